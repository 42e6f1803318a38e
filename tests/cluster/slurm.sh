# A Slurm cluster of one node on the loopback interface, without systemd: sourced by scripts that are root.

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "waited in vain for $what"; return 1; }
        sleep 0.1
    done
}

# start_slurm FOLDER: starts munged, slurmctld and slurmd, and sets SLURM_CONF for the clients.
start_slurm() {
    local folder=$1 host munge=/run/qkv-munge-$$
    host=$(hostname -s)
    mkdir -p "$folder"/{state,spool,log}
    install -d -o munge -g munge -m 755 "$munge"
    install -d -o munge -g munge -m 700 "$munge/private"
    head -c 128 /dev/urandom >"$munge/private/key"
    chown munge: "$munge/private/key"
    chmod 400 "$munge/private/key"
    setsid setpriv --reuid munge --regid munge --init-groups munged -F --key-file "$munge/private/key" \
        --socket "$munge/socket" --pid-file "$munge/munged.pid" --log-file "$munge/private/log" \
        --seed-file "$munge/private/seed" >"$folder/log/munged.txt" 2>&1 &
    SLURM_PROCESSES=($!)
    SLURM_MUNGE=$munge
    # A requeued job waits for as long as a credential lives, two minutes by default. The node has more cores in the
    # configuration than in the machine, so that all four tasks run at once.
    cat >"$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$munge/socket,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort=$((20000 + $$ % 20000))
SlurmdPort=$((40001 + $$ % 20000))
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
KillWait=10
InactiveLimit=0
MinJobAge=300
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$folder/slurm.conf
    setsid slurmctld -D -c >"$folder/log/slurmctld.txt" 2>&1 &
    SLURM_PROCESSES+=($!)
    setsid slurmd -D >"$folder/log/slurmd.txt" 2>&1 &
    SLURM_PROCESSES+=($!)
    wait_for 30 'the node to be idle' node_is_idle || { tail -n 30 "$folder"/log/*; return 1; }
}

node_is_idle() { [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ]; }

# Jobs and tasks of another scheduler, within which a test may run, are none of its own.
forget_schedulers() {
    local name
    for name in $(compgen -e | grep -E '^(SLURM|HQ)_|^JOB_COMPLETION'); do unset "$name"; done
}

# Ends what start_slurm started, once.
stop_slurm() {
    [ -n "${SLURM_MUNGE:-}" ] || return 0
    scancel --user=root --quiet 2>/dev/null || true
    kill "${SLURM_PROCESSES[@]}" 2>/dev/null || true
    wait "${SLURM_PROCESSES[@]}" 2>/dev/null || true
    rm -rf "$SLURM_MUNGE"
    SLURM_MUNGE=
}
