#!/usr/bin/env bash
# Ends what start.sh started in FOLDER, its jobs first.
#   bash tests/cluster/stop.sh FOLDER
set -uo pipefail
base=$(realpath -m "${1:?the folder that start.sh was given}")
unset SLURM_CONF

if [[ $(readlink /etc/slurm/slurm.conf) == "$base/slurm.conf" ]]; then
    timeout 20 squeue --noheader --format=%A | xargs --no-run-if-empty timeout 20 scancel
    for _ in {1..100}; do
        [[ -z $(timeout 5 squeue --noheader 2>/dev/null) ]] && break
        sleep 0.1
    done
    rm /etc/slurm/slurm.conf /etc/slurm/gres.conf
fi
for daemon in slurmd slurmctld munged; do
    [[ -s $base/$daemon.pid ]] || continue
    pid=$(<"$base/$daemon.pid")
    kill "$pid" 2>/dev/null
    for _ in {1..100}; do
        kill -0 "$pid" 2>/dev/null || continue 2
        sleep 0.1
    done
    kill -KILL "$pid"
done
