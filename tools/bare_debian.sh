#!/bin/sh
# Proves that the committed tree works on a machine with nothing on it:
#
#     tools/bare_debian.sh [--keep] TARGET...        as root
#
# Unpacks a minimal Debian 12 below $TARN_BARE (default: a new folder under $TMPDIR or /var/tmp),
# clones HEAD into it, carries over how this machine reaches its package sources (lists, keys,
# proxies, certificates, settings of pip and npm), and runs `./dev TARGET` twice in a chroot; the
# target ci stands for .ci/run. Says how long each took. What is not committed is not tested.
# With --keep the folder stays, and is used again with TARN_BARE set to it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm

keep=
if [ "${1:-}" = --keep ]; then
    keep=1
    shift
fi
if [ $# -eq 0 ]; then
    echo "usage: tools/bare_debian.sh [--keep] TARGET..." >&2
    exit 2
fi
if [ "$(id -u)" != 0 ]; then
    echo "error: a chroot needs root" >&2
    exit 4
fi
if ! command -v debootstrap >/dev/null 2>&1; then
    echo "error: debootstrap is missing" >&2
    echo "hint: apt-get install debootstrap" >&2
    exit 6
fi

bare=${TARN_BARE:-$(mktemp -d "${TMPDIR:-/var/tmp}/tarn-bare.XXXXXX")}
chmod 755 "$bare" # as a machine's root folder is; mktemp makes it for its owner alone
mounted=
clean_up() {
    for place in $mounted; do umount "$place" || umount -l "$place"; done
    mounted=
    if [ -n "$keep" ]; then
        echo "bare: kept in $bare"
    else
        rm -rf --one-file-system "$bare"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Where this machine's apt takes the suite from; the first source is as good as any.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" \
    2>/dev/null | head -n 1)
if [ ! -x "$bare/usr/bin/apt-get" ]; then
    echo "bare: unpacking a minimal Debian in $bare"
    # shellcheck disable=SC2086
    if ! debootstrap --variant=minbase "$suite" "$bare" $mirror >"$bare.log" 2>&1; then
        tail -n 5 "$bare.log" >&2
        echo "error: debootstrap failed (all of it: $bare.log)" >&2
        keep=1
        exit 6
    fi
    rm -f "$bare.log"
fi

# Settings that say where packages come from; absent ones are skipped.
carry() {
    for path in "$@"; do
        if [ -e "$path" ]; then
            mkdir -p "$bare$(dirname "$path")"
            cp -a -L "$path" "$bare$(dirname "$path")/"
        fi
    done
}
rm -rf "$bare/etc/apt/sources.list" "$bare/etc/apt/sources.list.d"
carry /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/keyrings /etc/apt/trusted.gpg \
    /etc/apt/trusted.gpg.d /etc/apt/auth.conf /etc/apt/auth.conf.d /usr/share/keyrings \
    /etc/resolv.conf /etc/hosts /usr/local/share/ca-certificates \
    /etc/pip.conf "$HOME/.config/pip" "$HOME/.pip" "$HOME/.npmrc" /etc/npmrc
apt-config dump Acquire | grep -E '^Acquire::(http|https|Check|Max|Retries|ForceIPv)' \
    >"$bare/etc/apt/apt.conf.d/90carried" || true

# Certificates: the bundle, and every file that a variable of the environment points to.
carried=$(env |
    grep -E '^(PIP_|npm_config_|NPM_CONFIG_|(https?|HTTPS?|no|NO)_(proxy|PROXY)=)|_CA_|CERT' |
    grep -v -i -E 'key|token|password|secret' || true)
carry /etc/ssl/certs/ca-certificates.crt
echo "$carried" | sed -n 's/^[^=]*=\(\/.*\)/\1/p' | sort -u | while read -r path; do
    if [ -f "$path" ]; then carry "$path"; fi
done

rm -rf "$bare/src"
git clone -q --no-hardlinks "$root" "$bare/src/tarn"
echo "bare: commit $(git -C "$bare/src/tarn" rev-parse --short HEAD)"
mount -t proc proc "$bare/proc"
mounted="$bare/proc"

# An environment of its own: only what was carried, so nothing of this machine leaks in.
{
    echo "$carried" | grep = | sed "s/'/'\\\\''/g; s/^\([^=]*\)=\(.*\)/export \1='\2'/"
    echo 'cd /src/tarn && exec "$@"'
} >"$bare/root/inside.sh"
run_inside() { # command...
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        chroot "$bare" sh /root/inside.sh "$@" </dev/null
}

status=0
for target in "$@"; do
    for turn in first second; do
        began=$(date +%s.%N)
        code=0
        case $target in
        ci) run_inside bash .ci/run || code=$? ;;
        *) run_inside ./dev "$target" || code=$? ;;
        esac
        took=$(echo "$(date +%s.%N) $began" | awk '{printf "%.1f", $1 - $2}')
        echo "bare: $target, $turn time: $took s, exit code $code"
        if [ "$code" != 0 ]; then status=1; fi
    done
done
exit $status
