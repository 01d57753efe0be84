#!/usr/bin/env bash
# Starts a SLURM of one node, for tests: munged, slurmctld and slurmd as root on the loopback address, without
# systemd and without a database. Needs Debian's slurm-wlm and munge; stop.sh ends it. The node has two GPUs for SLURM
# to hand out that are none: it asks no more of one than to be a device.
#   bash tests/cluster/start.sh FOLDER     everything lies in FOLDER, and links in /etc/slurm lead there
# Environment: SLURM_CPUS (16) and SLURM_MEM_MB (64000), what the node pretends to have.
set -euo pipefail
base=$(realpath -m "${1:?the folder for configuration, state and logs}")
cpus=${SLURM_CPUS:-16}
node=$(hostname -s)
unset SLURM_CONF

# Jobs start their steps without SLURM_* in the environment, so that the configuration must lie at its usual place.
if [[ -e /etc/slurm/slurm.conf && $(readlink /etc/slurm/slurm.conf) != "$base/slurm.conf" ]]; then
    echo "there is a cluster already: /etc/slurm/slurm.conf" >&2
    exit 1
fi
mkdir -p "$base"/{state,spool} /etc/slurm
chmod 755 "$base"
install -d -m 700 "$base/munge"
[[ -s $base/munge/key ]] || (umask 077 && head -c 128 /dev/urandom >"$base/munge/key")

cat >"$base/slurm.conf" <<CONF
ClusterName=gradgrid
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthInfo=socket=$base/munged.socket
SlurmUser=root
StateSaveLocation=$base/state
SlurmdSpoolDir=$base/spool
SlurmctldPidFile=$base/slurmctld.pid
SlurmdPidFile=$base/slurmd.pid
SlurmctldLogFile=$base/slurmctld.log
SlurmdLogFile=$base/slurmd.log
# what needs no control groups
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill,UsePss
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
MailProg=/bin/true
ReturnToService=2
# ended jobs stay in the queue, for whoever asks for them
MinJobAge=3600
KillWait=5
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=$cpus CoresPerSocket=$cpus RealMemory=${SLURM_MEM_MB:-64000} Gres=gpu:2
PartitionName=main Nodes=$node Default=YES MaxTime=1-00:00:00 DefMemPerCPU=500
CONF
printf 'Name=gpu File=%s\n' /dev/null /dev/zero >"$base/gres.conf"
ln -sfn "$base/slurm.conf" /etc/slurm/slurm.conf
ln -sfn "$base/gres.conf" /etc/slurm/gres.conf

alive() { [[ -s $base/$1.pid ]] && kill -0 "$(<"$base/$1.pid")" 2>/dev/null; }
alive munged || munged --force --key-file="$base/munge/key" --socket="$base/munged.socket" \
    --pid-file="$base/munged.pid" --log-file="$base/munge/log" --seed-file="$base/munge/seed" 2>"$base/munged.err"
alive slurmctld || slurmctld
alive slurmd || slurmd
for _ in {1..150}; do
    [[ $(sinfo --noheader --format=%t 2>/dev/null) =~ ^(idle|mix|alloc)$ ]] && exit 0
    sleep 0.1
done
echo "the cluster does not start; see the logs in $base" >&2
exit 1
