#!/bin/bash
# A real Kubernetes 1.20.2 of one node on this machine, from Debian 12's sources and packages: fetched, built (20 to 40 minutes
# of two cores, 4 GB of disk), started. Needs root, amd64, Debian 12 with golang-go, gcc, openssl, curl, dpkg, etcd-server,
# kubectl, python3. Everything runs in mount, network and process namespaces of its own; `stop` ends them all.
#
#   start.sh FOLDER build | up | stop | enter COMMAND...     # KUBECONFIG=FOLDER/pki/admin.kubeconfig inside `enter`
set -euo pipefail
root=$(realpath -m "$1"); verb=$2; shift 2
here=$(dirname "$(realpath "$0")"); bin=$root/bin; pki=$root/pki; log=$root/log; src=$root/go/src/k8s.io/kubernetes
mkdir -p "$bin" "$pki" "$log" "$root"/{debs/partial,usr,etcd,registry,cni,certs.d/registry.example,pods,containers,proc}
export GOPATH=$root/go GOCACHE=$root/gocache GO111MODULE=off CGO_ENABLED=0 GOFLAGS=-p=2

fetch() {  # the sources with their vendored modules, and programs that are only unpacked, never installed
  local packages="containerd runc containernetworking-plugins iptables libip6tc2 conntrack ethtool busybox-static docker-registry golang-github-modern-go-reflect2-dev"
  (cd "$root/debs" && apt-get download -q $packages && for deb in *.deb; do dpkg -x "$deb" "$root/deb"; done)
  cp -rn "$root/deb/usr/." "$root/usr/"; cp "$root/deb/bin/busybox" "$root/usr/bin/"
  for tool in {iptables,ip6tables}{,-save,-restore}; do ln -sfn xtables-nft-multi "$root/usr/sbin/$tool"; done
  mkdir -p "$src"
  local there; there=$(apt-get download --print-uris kubernetes-client | cut -d"'" -f2)  # the mirror of this machine
  curl -sSf "${there%/*}/kubernetes_1.20.5+really1.20.2.orig.tar.gz" | tar xz -C "$src" --strip-components=1
  # The vendored reflect2 cannot walk maps as Go 1.18 and newer lay them out; Debian's package of it can.
  rm "$src"/vendor/github.com/modern-go/reflect2/*.go; touch "$src/vendor/github.com/modern-go/reflect2/empty.s"
  cp "$root"/deb/usr/share/gocode/src/github.com/modern-go/reflect2/*.go "$src/vendor/github.com/modern-go/reflect2/"
}

build() {
  local flags="-s -w" package
  for package in k8s.io/component-base/version k8s.io/kubernetes/vendor/k8s.io/component-base/version k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=v1.20.2 -X $package.gitMajor=1 -X $package.gitMinor=20"
  done
  cd "$src"
  go build -o "$bin/" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  # The one file that the sources do not hold: the API's description. Without component configuration, which Go 1.19 breaks.
  "$bin/openapi-gen" -i "$(grep -rl --include=*.go '^// +k8s:openapi-gen=' pkg staging/src/k8s.io | grep -v -e code-generator -e sample-apiserver \
    -e _examples -e /config/ -e /kube-scheduler/ | xargs -n1 dirname | sort -u | sed 's#staging/src/#vendor/#; s#^#k8s.io/kubernetes/#' | paste -sd,)" \
    -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$root/violations" --output-base "$GOPATH/src"
  for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
    nice go build -trimpath -ldflags "$flags" -o "$bin/" ./cmd/$program
  done
  gcc -Os -static -DVERSION=3.2 -o "$bin/pause" build/pause/linux/pause.c
}

images() {  # pushed to the registry on loopback, which the container runtime knows as registry.example
  python3 "$here/image.py" pause:3 "$bin/pause=/pause" --entry /pause
  python3 "$here/image.py" busybox:1.35 "$root/usr/bin/busybox=/bin/busybox"
  python3 "$here/image.py" python:3.11 /usr/bin/python3.11 /usr/lib/python3.11 /usr/lib/x86_64-linux-gnu/lib{ssl,crypto}.so.3 "$root/usr/bin/busybox=/bin/busybox" --entry /usr/bin/python3.11
}

certificates() {
  cd "$pki"; [ -e admin.kubeconfig ] && return
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 30 -subj /CN=kubernetes-ca
  openssl genrsa -out sa.key 2048; openssl rsa -in sa.key -pubout -out sa.pub
  while read -r name subject names; do
    openssl req -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.csr" -subj "$subject"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$name.crt" -days 30 -extfile <(echo "subjectAltName=$names"; echo "extendedKeyUsage=serverAuth,clientAuth")
    cat > "$name.kubeconfig" <<K
apiVersion: v1
kind: Config
clusters: [{name: real, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: $name, user: {client-certificate-data: $(base64 -w0 "$name.crt"), client-key-data: $(base64 -w0 "$name.key")}}]
contexts: [{name: real, context: {cluster: real, user: $name}}]
current-context: real
K
  done <<C
apiserver /CN=kube-apiserver IP:127.0.0.1,IP:10.96.0.1,IP:192.0.2.1,DNS:kubernetes.default.svc
admin /O=system:masters/CN=admin DNS:admin
manager /CN=system:kube-controller-manager DNS:manager
scheduler /CN=system:kube-scheduler DNS:scheduler
proxy /CN=system:kube-proxy DNS:proxy
node-1 /O=system:nodes/CN=system:node:node-1 DNS:node-1,IP:192.0.2.1
C
}

settings() {
  printf 'server = "http://127.0.0.1:5000"\n[host."http://127.0.0.1:5000"]\n' > "$root/certs.d/registry.example/hosts.toml"
  printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:5000"}\n' "$root/registry" > "$root/registry.yml"
  cat > "$root/cni/10-pods.conflist" <<'C'
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]}}, {"type": "portmap", "capabilities": {"portMappings": true}}]}
C
  cat > "$root/containerd.toml" <<C
version = 2
root = "$root/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.example/pause:3"
  disable_apparmor = true
  restrict_oom_score_adj = true
  cni = {bin_dir = "/usr/lib/cni", conf_dir = "$root/cni"}
  registry = {config_path = "$root/certs.d"}
C
  cat > "$root/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
authentication: {anonymous: {enabled: false}, x509: {clientCAFile: $pki/ca.crt}}
tlsCertFile: $pki/node-1.crt
tlsPrivateKeyFile: $pki/node-1.key
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
failSwapOn: false
resolvConf: /run/resolv.conf
evictionHard: {memory.available: 200Mi, nodefs.available: 2%, imagefs.available: 2%}
C
}

inside() {  # the first process of the namespaces: what the machine has is seen, what is written there stays there
  mount --make-rprivate /; mount --make-rshared /; mount -t proc proc /proc
  mount -t overlay overlay -o "lowerdir=$root/usr:/usr" /usr
  mkdir -p /var/log/pods /var/log/containers
  mount --bind "$root/pods" /var/log/pods; mount --bind "$root/containers" /var/log/containers
  mount -t tmpfs tmpfs /run; echo nameserver 10.96.0.10 > /run/resolv.conf
  for knob in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops; do  # the kubelet sets these for the whole machine
    cat "/proc/sys/$knob" > "$root/proc/${knob//\//_}"; mount --bind "$root/proc/${knob//\//_}" "/proc/sys/$knob"
  done
  ip link set lo up; ip link add node0 type veth peer name node1; ip link set node1 up; ip link set node0 up
  ip addr add 192.0.2.1/24 dev node0; ip route add default via 192.0.2.254; echo 1 > /proc/sys/net/ipv4/ip_forward
  exec sleep infinity
}

enter() { nsenter -t "$(cat "$root/holder")" -m -n -p "$@"; }

start() { local name=$1; shift; enter setsid "$@" > "$log/$name.log" 2>&1 & }

up() {
  certificates 2>> "$log/openssl.log"; settings
  setsid unshare -m -n -p -f --kill-child bash "$here/start.sh" "$root" inside > "$log/inside.log" 2>&1 &
  sleep 2; pgrep -P $! > "$root/holder"
  start etcd etcd --data-dir "$root/etcd"
  start registry docker-registry serve "$root/registry.yml"
  start containerd containerd --config "$root/containerd.toml"
  sleep 4; enter bash "$here/start.sh" "$root" images
  start apiserver "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --advertise-address=192.0.2.1 --allow-privileged \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" --authorization-mode=Node,RBAC \
    --enable-admission-plugins=NodeRestriction --service-cluster-ip-range=10.96.0.0/16 --service-account-issuer=https://kubernetes.default.svc \
    --service-account-signing-key-file="$pki/sa.key" --service-account-key-file="$pki/sa.pub" \
    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" --kubelet-preferred-address-types=InternalIP
  export KUBECONFIG=$pki/admin.kubeconfig
  until enter kubectl get --raw /readyz > /dev/null 2>&1; do sleep 1; done
  start manager "$bin/kube-controller-manager" --kubeconfig="$pki/manager.kubeconfig" --use-service-account-credentials \
    --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt"
  start scheduler "$bin/kube-scheduler" --kubeconfig="$pki/scheduler.kubeconfig"
  start kubelet "$bin/kubelet" --config="$root/kubelet.yaml" --kubeconfig="$pki/node-1.kubeconfig" --hostname-override=node-1 --node-ip=192.0.2.1 \
    --container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock --root-dir="$root/kubelet" --cert-dir="$root/kubelet-pki"
  start proxy "$bin/kube-proxy" --kubeconfig="$pki/proxy.kubeconfig" --cluster-cidr=10.244.0.0/16 --proxy-mode=iptables --hostname-override=node-1 --conntrack-max-per-core=0
  enter kubectl apply -f "$here/nodes.yaml"
  start nodes bash "$here/start.sh" "$root" heartbeats
}

heartbeats() {  # node-2 and node-3 are objects alone: one has a taint, one is cordoned, none ever runs a pod
  while true; do
    for node in node-2 node-3; do
      now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
      kubectl patch node $node --subresource=status --type=merge -p "{\"status\":{\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"110\"},\"capacity\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"110\"},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"KubeletReady\",\"lastHeartbeatTime\":\"$now\",\"lastTransitionTime\":\"$now\"}]}}" || true
    done
    sleep 15
  done
}

case $verb in
  build) fetch; build ;;
  up | enter | images | inside | heartbeats) "$verb" "$@" ;;
  stop) kill -KILL "$(cat "$root/holder")" ;;  # the first process of a namespace ignores what it does not handle
esac
