// flanneld with only the back ends that K3s embeds: the stock main also pulls in a cloud SDK.
// Settings by environment: KUBECONFIG, NODE_NAME, NET_CONF, IFACE, PUBLIC_IP (optional), SUBNET_FILE.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/flannel-io/flannel/pkg/backend"
	_ "github.com/flannel-io/flannel/pkg/backend/hostgw"
	_ "github.com/flannel-io/flannel/pkg/backend/vxlan"
	_ "github.com/flannel-io/flannel/pkg/backend/wireguard"
	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/pkg/ipmatch"
	"github.com/flannel-io/flannel/pkg/subnet/kube"
	"github.com/flannel-io/flannel/pkg/trafficmngr/iptables"
	log "k8s.io/klog/v2"
)

func must(what string, err error) {
	if err != nil {
		log.Exitf("%s: %v", what, err)
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	var wg sync.WaitGroup
	sm, err := kube.NewSubnetManager(ctx, "", os.Getenv("KUBECONFIG"), "flannel.alpha.coreos.com", os.Getenv("NET_CONF"), true)
	must("subnet manager", err)
	config, err := sm.GetNetworkConfig(ctx)
	must("net conf", err)
	ext, err := ipmatch.LookupExtIface(os.Getenv("IFACE"), "", "", 0, ipmatch.PublicIPOpts{PublicIP: os.Getenv("PUBLIC_IP")})
	must("iface", err)
	be, err := backend.NewManager(ctx, sm, ext).GetBackend(config.BackendType)
	must("backend", err)
	bn, err := be.RegisterNetwork(ctx, &wg, config)
	must("register", err)
	tm := &iptables.IPTablesManager{}
	must("iptables", tm.Init(ctx))
	none4, none6 := ip.IP4Net{}, ip.IP6Net{}
	must("masquerade", tm.SetupAndEnsureMasqRules(ctx, config.Network, none4, none4, config.IPv6Network, none6, none6, bn.Lease(), 60, false))
	tm.SetupAndEnsureForwardRules(ctx, config.Network, config.IPv6Network, 60)
	must("subnet file", sm.HandleSubnetFile(os.Getenv("SUBNET_FILE"), config, true, bn.Lease().Subnet, bn.Lease().IPv6Subnet, bn.MTU()))
	log.Infof("lease %s mtu %d", bn.Lease().Subnet, bn.MTU())
	bn.Run(ctx)
	wg.Wait()
}
