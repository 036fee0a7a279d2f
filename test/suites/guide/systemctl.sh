#!/bin/bash
# In the place of systemd, which does not run on the guide's server: starts what a unit says, as the user that it says, and stops it by its signal.
# A unit's fences, its timer and its restarts are not made.
set -e
cd /
log() { echo "/var/log/$1.log"; }

value() { sed -n "s/^$2=//p" "/etc/systemd/system/$1.service"; }

start_unit() {
  local unit=$1 user line pid
  user=$(value "$unit" User)
  for each in $(value "$unit" StateDirectory); do install -d -o "$user" -g "$user" "/var/lib/$each"; done
  for each in $(value "$unit" CacheDirectory); do install -d -o "$user" -g "$user" "/var/cache/$each"; done
  [ "$(value "$unit" Type)" = oneshot ] || ! alive "$unit" || return 0
  while IFS= read -r line; do
    line=${line//%%/%}
    line=${line//\$\$/\$}
    # shellcheck disable=SC2046
    set -- setpriv --reuid="$user" --regid="$user" --init-groups env -i HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin $(value "$unit" Environment) sh -c "exec $line"
    if [ "$(value "$unit" Type)" = oneshot ]; then
      "$@" >>"$(log "$unit")" 2>&1 </dev/null || { tail -n 20 "$(log "$unit")" >&2; return 1; }
    else
      setsid "$@" >>"$(log "$unit")" 2>&1 </dev/null &
      echo $! >"/run/$unit.pid"
    fi
  done < <(value "$unit" ExecStart)
}

alive() { [ -s "/run/$1.pid" ] && kill -0 "$(cat "/run/$1.pid")" 2>/dev/null; }

stop_unit() {
  alive "$1" || return 0
  kill -TERM "$(cat "/run/$1.pid")"
  while alive "$1"; do sleep 0.1; done
}

verb=$1
shift
for name in "$@"; do
  name=${name%.service}
  case "$verb $name" in
  *" --now" | "enable "*.timer) ;;
  *" nginx") if alive nginx; then nginx -s quit; while alive nginx; do sleep 0.1; done; fi; nginx ;;
  *" prometheus")
    setsid setpriv --reuid=prometheus --regid=prometheus --init-groups prometheus --config.file=/etc/prometheus/prometheus.yml \
      --storage.tsdb.path=/tmp/prometheus >/var/log/prometheus.log 2>&1 </dev/null & ;;
  "start "* | "enable "*) start_unit "$name" ;;
  "stop "*) stop_unit "$name" ;;
  *) echo "systemctl $verb $name: not here" >&2; exit 1 ;;
  esac
done
