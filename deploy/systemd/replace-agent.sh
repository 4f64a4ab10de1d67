#!/bin/sh
# Replaces the running agent by the other colour: starts it, waits until it is connected, then ends the old one.
# Run as root after /opt/parley/<other colour> links to the new release. Nothing ends when the new one does not connect.
set -eu

wait_s=${WAIT_S:-60}
run_folder=${RUN_FOLDER:-/run}

if systemctl is-active --quiet parley-agent@blue; then old=blue new=green; else old=green new=blue; fi

systemctl start "parley-agent@$new"
status="$run_folder/parley-agent-$new/status"
waited_s=0
until grep -qx connected "$status" 2>/dev/null; do
  if [ "$waited_s" -ge "$wait_s" ]; then
    systemctl stop "parley-agent@$new"
    echo "$new did not connect within $wait_s s; $old goes on. journalctl -u parley-agent@$new says why." >&2
    exit 1
  fi
  sleep 1
  waited_s=$((waited_s + 1))
done

systemctl enable --quiet "parley-agent@$new"
systemctl disable --quiet "parley-agent@$old"
systemctl stop "parley-agent@$old"
echo "$new answers now."
