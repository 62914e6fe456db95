const T=603,P=[603],M={6922:((C,j,u)=>{u.d(j,{Cm:()=>m,Db:()=>d,HC:()=>_,HT:()=>$,PH:()=>l,_j:()=>t,aR:()=>E,mq:()=>f,qp:()=>w});const m={namespace:"default",ownNamespace:"lmrun",domain:"cluster.local",podCidr:"10.42.0.0/16",serviceCidr:"10.43.0.0/16",dns:"10.43.0.10",apiPort:6443,wireguardPort:51820},d={vm:"lmrun-vm",role:"lmrun-mesh-role",cloud:"lmrun-cloud",region:"topology.kubernetes.io/region",service:"kubernetes.io/service-name"},_="lmrun-bindings",l="lmrun-main",f=".lmrun/join.json",$=".lmrun/kubeconfig";function w({vm:i,rank:c,launch:o}){return`${i}.${c}.${o}`}function t(i){const[,c,o,r]=/^([a-z](?:[-a-z0-9]*[a-z0-9])?)\.(\d{1,3})\.([a-z0-9]{5})$/.exec(i)??[];return c===void 0||o===void 0||r===void 0?null:{vm:c,rank:Number(o),launch:r}}function E(i){return`${i}.${m.namespace}.svc.${m.domain}`}}),7706:((C,j,u)=>{u.d(j,{Bt:()=>l,EL:()=>$,Rv:()=>f,S5:()=>t,gs:()=>w});var m=u(6922);const d=["flannel-wg","flannel-wg-v6","flannel.1"],_=10250,l="lmrun",f=10244;function $({role:i,interface:c,ports:o,peers:r}){const a=E({role:i,ports:o}),[s,p]=[r.filter(n=>!n.includes(":")),r.filter(n=>n.includes(":"))];return`table inet ${l}
delete table inet ${l}
table inet ${l} {
  chain outside {
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport { 67, 547 } udp dport { 68, 546 } accept
${s.length>0?`    ip saddr { ${s.join(", ")} } accept
`:""}${p.length>0?`    ip6 saddr { ${p.join(", ")} } accept
`:""}    tcp dport { ${a.outsideTcp.join(", ")} } accept
    udp dport { ${a.outsideUdp.join(", ")} } accept
    drop
  }
  chain mesh {
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { ${a.mesh.join(", ")} } accept
    drop
  }
  chain input {
    type filter hook input priority -10; policy accept;
    ct state established,related accept
    iifname "${c}" jump outside
    iifname { ${d.map(n=>`"${n}"`).join(", ")} } jump mesh
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ct state established,related accept
    iifname { ${d.map(n=>`"${n}"`).join(", ")} } meta l4proto { tcp, udp } th dport 53 accept
${o.length>0?`    iifname { ${d.map(n=>`"${n}"`).join(", ")} } meta l4proto tcp ct original proto-dst { ${o.join(", ")} } accept
`:""}    iifname { ${[c,...d].map(n=>`"${n}"`).join(", ")} } ct state new drop
  }
}
`}function w(i,c){const{role:o,interface:r,ports:a}=i,s=E({role:o,ports:a}),p=i.peers.filter(e=>e.includes(":")===(c===6)),n=c===4?"icmp":"ipv6-icmp",h=c===4?"--sport 67 --dport 68":"--sport 547 --dport 546";return`${["*filter",...[t.input,t.outside,t.mesh,t.forward].map(e=>`:${e} - [0:0]`),`-A ${t.outside} -p ${n} -j ACCEPT`,`-A ${t.outside} -p udp ${h} -j ACCEPT`,...p.map(e=>`-A ${t.outside} -s ${e} -j ACCEPT`),...s.outsideTcp.map(e=>`-A ${t.outside} -p tcp --dport ${e} -j ACCEPT`),...s.outsideUdp.map(e=>`-A ${t.outside} -p udp --dport ${e} -j ACCEPT`),`-A ${t.outside} -j DROP`,`-A ${t.mesh} -p ${n} -j ACCEPT`,...s.mesh.map(e=>`-A ${t.mesh} -p tcp --dport ${e} -j ACCEPT`),`-A ${t.mesh} -j DROP`,`-A ${t.input} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`,`-A ${t.input} -i ${r} -j ${t.outside}`,...d.map(e=>`-A ${t.input} -i ${e} -j ${t.mesh}`),`-A ${t.forward} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN`,...d.flatMap(e=>[`-A ${t.forward} -i ${e} -p udp --dport 53 -j RETURN`,`-A ${t.forward} -i ${e} -p tcp --dport 53 -j RETURN`,...a.map(R=>`-A ${t.forward} -i ${e} -p tcp -m conntrack --ctorigdstport ${R} -j RETURN`)]),...[r,...d].map(e=>`-A ${t.forward} -i ${e} -m conntrack --ctstate NEW -j DROP`),"COMMIT"].join(`
`)}
`}const t={input:"LMRUN-INPUT",outside:"LMRUN-OUTSIDE",mesh:"LMRUN-MESH",forward:"LMRUN-FORWARD"};function E({role:i,ports:c}){const o=i==="server";return{outsideTcp:[22,...o?[m.Cm.apiPort]:[]],outsideUdp:[m.Cm.wireguardPort,m.Cm.wireguardPort+1],mesh:[_,...o?[f]:[],...c]}}}),6984:((C,j,u)=>{u.d(j,{C:()=>c,answerChecks:()=>i});var m=u(8474),d=u(7067),_=u(9473),l=u(7706);const f="10.42.0.0",$=64*1024,w=9e4,t=15e3,E=1e3;async function i(r,a="0.0.0.0",s=l.Rv){const p=(0,d.createServer)((n,h)=>{let A=0;n.on("data",e=>{A=Math.min(A+e.length,$)}),n.on("end",()=>h.end(Buffer.alloc(A,".")))});p.listen({host:a,port:s,signal:r}),await(0,m.once)(p,"close")}async function c({clock:r,signal:a,...s}){const{address:p=f,port:n=l.Rv}=s,h=`http://${p}:${n}/`,A=r.now()+w;for(;!await o(h,1,{signal:a,ms:5e3});){if(r.now()>=A)throw new _.fI(`this VM has joined, but does not reach main (${p}) through the mesh`,{hint:"Is UDP 51820 open at main and here? docs/mesh.md says how, cloud by cloud."});await r.sleep(E,a)}if(!await o(h,$,{signal:a,ms:t})&&!await o(h,$,{signal:a,ms:t}))throw new _.fI("the mesh carries small packets and drops large ones on the way to main (a black hole)",{hint:"Something between here and main has a smaller MTU, and says nothing: join with --mtu 1280, or less."})}async function o(r,a,{signal:s,ms:p}){try{return(await(await fetch(r,{method:"POST",body:Buffer.alloc(a,"."),signal:AbortSignal.any([s,AbortSignal.timeout(p)])})).arrayBuffer()).byteLength===a}catch{return s.throwIfAborted(),!1}}})};export{T as id,P as ids,M as modules};
