# The guest's first program once it stands in its final root: finishes the
# system, runs the command, reports its exit code. Started by init.sh, as
# process 1; descriptor 9 is the report line.
#
# Written for busybox, whose shell prefers its own applets to programs of the
# same name, so that nothing depends on what the machine has installed. The
# command itself is started by its path and gets the machine's programs.

home=/interdict-vm
host=$home/host

die() {
	echo "fail $*" >&9
	poweroff -f
	while :; do sleep 1; done
}

# must WORDS...: runs a command that the guest cannot do without.
must() {
	"$@" || die "\`$*' failed"
}

# mount_at TYPE DIRECTORY [OPTIONS]: mounts a file system of that type.
mount_at() {
	mkdir -p "$2"
	mount -t "$1" ${3:+-o "$3"} "$1" "$2" || die "cannot mount $1 on $2"
}

$home/busybox mount -t proc proc /proc || die "cannot mount proc"
mount_at sysfs /sys
mount_at devtmpfs /dev
mount_at devpts /dev/pts gid=5,mode=620,ptmxmode=666
mount_at tmpfs /dev/shm mode=1777
mount_at mqueue /dev/mqueue
mount_at tmpfs /run mode=755
mount_at tmpfs /tmp mode=1777
mount_at securityfs /sys/kernel/security
mount_at tracefs /sys/kernel/tracing
mount_at debugfs /sys/kernel/debug
mount_at bpf /sys/fs/bpf mode=700
mount_at cgroup2 /sys/fs/cgroup
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
mkdir -p /run/lock /var/tmp

. $home/config

echo 5 >/proc/sys/kernel/printk
for controller in cpu io memory pids; do
	echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
done
# Unprivileged user namespaces: allowed, on kernels that ask and at all.
echo 1 2>/dev/null >/proc/sys/kernel/unprivileged_userns_clone
echo 16384 >/proc/sys/user/max_user_namespaces
hostname interdict-vm
must ip link set lo up

# Kernel modules, for modprobe by hand and by the kernel.
# They are mounted at the top, so that no mount stands in the way of one who
# binds /usr elsewhere in a user namespace.
must mkdir -p $home/modules /lib/modules
must mount --bind "$host$MODULES" $home/modules
rm -rf "/lib/modules/$(uname -r)"
must ln -s $home/modules "/lib/modules/$(uname -r)"
# kmod wants an index of its own kind, so its modprobe makes way.
mkdir -p /sbin
rm -f /sbin/modprobe
ln -s $home/busybox /sbin/modprobe

# Users. The names are the machine's own where it has such users.
add_user() {
	grep -q "^[^:]*:[^:]*:$1:" /etc/group || echo "user$1:x:$1:" >>/etc/group
	grep -q "^[^:]*:[^:]*:$1:" /etc/passwd && return
	echo "user$1:x:$1:$1::/home/user$1:/bin/sh" >>/etc/passwd
	must mkdir -p "/home/user$1"
	must chown "$1:$1" "/home/user$1"
}
grep -q '^root:[^:]*:0:' /etc/passwd || echo 'root:x:0:0:root:/root:/bin/sh' >>/etc/passwd
grep -q '^root:[^:]*:0:' /etc/group || echo 'root:x:0:' >>/etc/group
add_user 1000
add_user 1001

# see DIRECTORY: shows a directory of the machine that a file system of the
# guest hides, at its own place.
see() {
	[ -d "$1" ] && return
	mkdir -p "$1" && mount --bind "$host$1" "$1"
}

# add HOSTPATH GUESTPATH: copies what was asked for with --add.
add() {
	case $2 in
	*/*) mkdir -p "${2%/*}/" ;;
	esac
	if [ -d "$host$1" ] && [ -d "$2" ]; then
		cp -a "$host$1/." "$2/" || die "cannot copy $1 to $2"
	else
		rm -rf "$2"
		cp -a "$host$1" "$2" || die "cannot copy $1 to $2"
	fi
}
. $home/adds

umount -l $host
ulimit -H -n 524288

# The command's output goes through FIFOs, not straight to the lines, which
# only one program at a time could open: /dev/stderr must stay usable.
mkfifo -m 666 $home/out $home/err
out_line=$(echo /dev/vport*p1)
err_line=$(echo /dev/vport*p2)
cat <$home/out >$out_line 9>&- &
out=$!
cat <$home/err >$err_line 9>&- &
err=$!

# find_program NAME: sets `program` to the path by which PATH finds it.
find_program() {
	program=$1
	case $1 in
	*/*) return ;;
	esac
	local IFS=:
	for directory in $GUEST_PATH; do
		program=$directory/$1
		[ -f "$program" ] && [ -x "$program" ] && return
	done
	echo "xtask vm: \`$1' is not on the guest's PATH" >&2
	exit 127
}

run_command() {
	exec 9>&- </dev/null
	cd "$CWD" 2>/dev/null || cd /
	. $home/command
	find_program "$1"
	shift
	exec $home/busybox setsid $home/busybox env -i \
		PATH="$GUEST_PATH" HOME=/root USER=root LOGNAME=root SHELL=/bin/sh \
		TERM="$GUEST_TERM" LANG=C.UTF-8 PWD="$PWD" \
		INTERDICT_VM=1 INTERDICT_KERNEL="$KERNEL" \
		"$program" "$@"
}

echo ready >&9
(run_command) >$home/out 2>$home/err &
wait $!
code=$?

# Whatever the command left behind ends with it, and closes its end of the
# FIFOs; then the last output drains. Two rounds, for what forked meanwhile.
for round in 1 2; do
	for directory in /proc/[0-9]*; do
		process=${directory#/proc/}
		case $process in
		1 | $out | $err) ;;
		*) kill -9 "$process" 2>/dev/null ;;
		esac
	done
done
(sleep 5; kill -9 $out $err) 9>&- &
wait $out $err

echo "exit $code" >&9
poweroff -f
while :; do sleep 1; done
