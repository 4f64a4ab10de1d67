#!/bin/sh
# Makes a dated copy of the relay's data while it runs, reads the whole copy, and keeps the newest ones that are sound.
# Usage: back-up.sh <node>; run in the release's folder with the relay's environment.
set -eu

node=$1
folder=${BACKUP_FOLDER:-/var/lib/parley-backup}
keep=${BACKUP_KEEP:-14}
name=$(date -u +%Y%m%dT%H%M%SZ)

# What an earlier run began and did not finish, or found damaged: each is as large as the data.
rm -rf "${folder:?}"/.[0-9]*
"$node" src/relay/main.ts backup --to "$folder/.$name"
PARLEY_DATA="$folder/.$name" "$node" src/relay/main.ts verify
# Only a copy that was read whole gets a name that counts.
mv "$folder/.$name" "$folder/$name"

# Names sort by time; the oldest beyond the number to keep go.
ls -1 "$folder" | sort -r | tail -n "+$((keep + 1))" | while read -r old; do
  rm -rf "${folder:?}/$old"
done
