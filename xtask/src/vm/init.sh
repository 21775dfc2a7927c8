#!/bin/busybox sh
# The guest's first program, in the initramfs: mounts this machine's root and
# goes over into it. What follows there is root.sh.
#
# Written for busybox, whose shell finds its own applets without a directory
# of links. /vm/config gives MOUNT_OPTIONS.

/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

for module in $(cat /modules/order); do
	insmod "/modules/$module" || echo "insmod $module failed" >/dev/console
done

# Descriptor 9 reports to the machine that started the guest, by its own
# line: nothing that the command prints can be taken for a report. The port
# appears a moment after its driver.
tries=0
report=/dev/none
until [ -c $report ]; do
	tries=$((tries + 1))
	[ $tries -lt 500 ] || { echo "no report line" >/dev/console; poweroff -f; }
	usleep 20000
	# The first number is the virtio device's, the second the port's.
	report=$(echo /dev/vport*p3)
done
exec 9>$report
echo up >&9

die() {
	echo "fail $*" >&9
	poweroff -f
	# The power goes off behind our back; PID 1 must not return.
	while :; do sleep 1; done
}

. /vm/config

mount -t 9p -o "ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose" hostroot /host ||
	die "cannot mount the machine's root over 9P"
mount -t tmpfs -o size=75% tmpfs /upper || die "cannot mount a tmpfs"
mkdir /upper/upper /upper/work
# With xino, a file of the lower layer has the overlay's device number, in
# stat(2) as in the kernel.
mount -t overlay -o "lowerdir=/host,upperdir=/upper/upper,workdir=/upper/work,xino=on" overlay /new ||
	die "cannot mount the overlay"

home=/new/interdict-vm
mkdir -p "$home/host"
cp /bin/busybox /vm/* "$home" || die "cannot write to the overlay"
mount --move /host "$home/host" || die "cannot move the 9P mount"

# Lazily, since descriptor 9 is open in /dev. The new root has its own.
umount -l /sys
umount -l /dev
umount -l /proc
exec /bin/busybox switch_root /new /interdict-vm/busybox sh /interdict-vm/root.sh
