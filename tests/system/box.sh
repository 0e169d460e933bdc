#!/bin/sh
# The inside of a box: becomes a real systemd, PID 1 of fresh namespaces, on an overlay over the
# root of this machine. Called by box.py, which has made the namespaces; nothing here is seen, or
# stays, outside of them.
#
#   box.sh FOLDER     FOLDER/disk.img   holds all that the box writes, as its own ext4
#                     FOLDER/console    what PID 1 says
#                     FOLDER/share      is /mnt/share in the box
set -eu
folder=$1
read -r pid _ </proc/self/stat # still the outer /proc: the number that others know us by
echo "$pid" >"$folder/pid.new"
mv "$folder/pid.new" "$folder/pid"

mount -o loop "$folder/disk.img" "$folder/mnt"
cd "$folder/mnt"
mkdir -p upper work root
first=; [ -e upper/etc/machine-id ] || first=yes
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root

mount -t proc -o nosuid,nodev,noexec proc proc
# PID 1 would set sysctls, which are those of the whole machine.
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o nosuid,nodev,noexec,ro sysfs sys
# Only the second version, as on a Pi; controllers that the machine runs by the first are not there.
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup

mount -t tmpfs -o mode=755,nosuid tmpfs dev
for device in null zero full random urandom tty; do
    : >dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
: >dev/console
mount --bind "$folder/console" dev/console
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mkdir run/lock
mount -t tmpfs -o mode=1777 tmpfs tmp

if [ -n "$first" ]; then # a fresh machine: no services of this one, nothing that fitbitd left here
    rm -rf etc/systemd/system/* etc/machine-id var/log/journal var/lib/fitbitd etc/fitbitd
    rm -f var/lib/man-db/auto-update # else a package waits until every page is indexed
    mkdir -p var/log/journal mnt/share mnt/outside
    for unit in systemd-sysctl systemd-timesyncd systemd-firstboot e2scrub_reap; do
        ln -s /dev/null etc/systemd/system/$unit.service
    done
    ln -s /dev/null etc/systemd/system/getty.target
    ln -s /lib/systemd/system/multi-user.target etc/systemd/system/default.target
    tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
    echo box >etc/hostname
fi
mount --bind "$folder/share" mnt/share
pivot_root . mnt/outside
cd /
umount -l /mnt/outside
mount --make-rshared / # else a service never sees the mount that its credentials come in
exec env -i container=box TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm \
    /lib/systemd/systemd --show-status=no
