# Endpoints that do wrong, on the loopback, and certificates for them; ended with the test.
# shellcheck shell=bash
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$scratch"' EXIT
unset http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy
export NO_PROXY='' no_proxy=''
start() { # VARIABLE ARGUMENT...: sets VARIABLE to the port
	local name=$1 port
	shift
	exec {pipe}< <(exec python3 "$top/tests/support/endpoint.py" "$@")
	servers+=($!)
	read -r port <&"$pipe"
	printf -v "$name" %s "$port"
}
# certificate NAME DAYS: NAME.pem and NAME.key in $scratch, for localhost, its own authority.
certificate() {
	openssl req -new -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$scratch/$1.key" -out "$scratch/$1.csr" 2>/dev/null
	openssl x509 -req -in "$scratch/$1.csr" -key "$scratch/$1.key" -days "$2" -out "$scratch/$1.pem" \
		-extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
}
