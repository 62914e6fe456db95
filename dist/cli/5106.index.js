const _e=5106,ye=[5106],we={20179:((U,m,f)=>{f.d(m,{Bn:()=>p,RR:()=>d,fA:()=>c});const d=".lmrun/launch",p={setupExit:`${d}/setup.exit`,runPid:`${d}/run.pid`,runExit:`${d}/run.exit`,facts:`${d}/vm.json`,env:`${d}/job.env`,armed:`${d}/shutdown.armed`},c=`
if [ -e ~/${p.armed} ]; then
  if [ "$(id -u)" = 0 ]; then shutdown -c; else sudo -n shutdown -c; fi && rm -f ~/${p.armed}
fi
`}),45106:((U,m,f)=>{f.r(m),f.d(m,{renderTask:()=>k,skyRenderer:()=>ce});var d=f(51455),p=f(76760),c=f(38815),D=f(19473),R=f(9407);const V=new Set(["slurm","hyperbolic","ibm","mithril","vsphere"]),Y=new Set(["slurm","ssh","cudo","do","fluidstack","hyperbolic","lambda","paperspace","scp","seeweb","shadeform","vsphere","yotta"]),z=["aws","azure","gcp","lambda","nebius","fluidstack","cudo","paperspace","do","oci","ibm","scp","hyperbolic","seeweb","shadeform","verda","mithril"],K=["aws","azure","gcp"];function h(e){const n=e.split("/",1)[0]?.toLowerCase()??"";return n==="k8s"?"kubernetes":n}function F(e){return e===void 0||!V.has(h(e))}function J(e){return e===void 0||!Y.has(h(e))}function X(e){if(e.length===0)return[];const n=e.map(h);return K.map(t=>`${t}.remote_identity=${n.includes(t)?"SERVICE_ACCOUNT":"NO_UPLOAD"}`)}var H=f(73024);const Q=["QUESTIONS","MODEL"];function E(e){const n=Q.flatMap(s=>{const r=e[s];return r!==void 0&&p.isAbsolute(r)&&(0,H.existsSync)(r)?[{name:s,from:r}]:[]}),t=(s,r)=>`lmrun-inputs/${s.toLowerCase()}${p.extname(r)}`;return{envs:{...e,...Object.fromEntries(n.map(({name:s,from:r})=>[s,t(s,r)]))},mounts:Object.fromEntries(n.map(({name:s,from:r})=>[t(s,r),r]))}}function y(e,n){return/^([a-z][a-z0-9+.-]*:\/\/|~|\$|\/)/i.test(n)?n:p.resolve(e,n)}const W={service:"A run launches VMs, no SkyServe replicas: take it out",pool:"A run launches VMs, no pool of workers: take it out"};function S(e,n){const{places:t,numNodes:s,file:r}=e,o=Object.entries(W).flatMap(([u,a])=>{const l=t.get(u);return l===void 0?[]:[{where:l,what:`'${u}' is no part of a VM`,allowed:a}]});s!==1&&o.push({where:t.get("num_nodes")??r,what:`num_nodes is ${s}`,allowed:"The run watches, renews and ends one node a VM: give num_nodes: 1, or leave it out"});for(const u of["setup","run"]){if(!e[u].includes("\0"))continue;const a=t.get(u)??r;o.push({where:a,what:`a NUL character in ${u}`,allowed:"A script cannot hold one"})}return[...o,...n.flatMap(u=>G(u,e))]}function G(e,{places:n,file:t}){return/^(LMRUN|SKYPILOT)_/.test(e)?[{where:n.get(`envs.${e}`)??n.get(`secrets.${e}`)??t,what:`the variable ${e}`,allowed:"LMRUN_* and SKYPILOT_* are set by the fleet: take another name"}]:[]}const j=64;function Z(e,{resources:n,labels:t}){const{any_of:s,ordered:r,autostop:o,...u}=e,a=s===void 0&&r!==void 0?"ordered":"any_of",l=oe(s??r),g=q((l??[{}]).map($=>ne({...u,...$})),n),v=se(g.map($=>ee($,n))),P=re(v),B={...P,labels:{...O(u.labels),...t}};return v.length===1?B:{...B,[a]:v.map($=>w($,Object.keys(P)))}}function q(e,{infra:n,accelerators:t}){const s=x(e,t,{fits:(r,o)=>A(r.accelerators)===A(o),set:(r,o)=>({...w(r,["instance_type"]),accelerators:o})});return x(s,n,{fits:(r,o)=>typeof r.infra=="string"&&te(r.infra,o),set:(r,o)=>({...r,infra:o}),open:r=>r.infra===void 0})}function x(e,n,t){if(n.length===0)return[...e];const s=t.open??(()=>!1),r=e.flatMap(o=>s(o)?n.map(u=>t.set(o,u)):n.some(u=>t.fits(o,u))?[o]:[]);return r.length>0?r:e.flatMap(o=>n.map(u=>t.set(o,u)))}function ee(e,{spot:n,diskSize:t,maxHourlyCost:s}){const r=typeof e.infra=="string"?e.infra:void 0,o=[...F(r)?[]:["ports"],...J(r)?[]:["use_spot"]],u=[e.max_hourly_cost,s].filter(a=>typeof a=="number");return w({...e,...n===void 0?{}:{use_spot:n},...t===void 0?{}:{disk_size:t},...u.length===0?{}:{max_hourly_cost:Math.min(...u)}},["labels",...o])}function ne(e){const{cloud:n,region:t,zone:s,gpus:r,...o}=e,u=[n??"*",t??(s===void 0?void 0:"*"),s],a=o.infra??(n||t||s?u.filter(Boolean).join("/"):void 0),l=o.accelerators??r;return{...o,...a===void 0?{}:{infra:a},...l===void 0?{}:{accelerators:l}}}function te(e,n){const[t,s]=[e,n].map(r=>[h(r),...r.split("/").slice(1)]);return(s??[]).every((r,o)=>r==="*"||r===t?.[o])}function A(e){if(typeof e=="string")return e.includes(":")?e.toLowerCase():`${e.toLowerCase()}:1`;const[n,...t]=Object.entries(O(e));return n&&t.length===0?`${n[0]}:${n[1]??1}`.toLowerCase():null}function re(e){const[n={},...t]=e;return Object.fromEntries(Object.entries(n).filter(([s,r])=>t.every(o=>N(o[s],r))))}function se(e){return e.filter((n,t)=>e.findIndex(s=>N(s,n))===t)}function N(e,n){return JSON.stringify(_(e))===JSON.stringify(_(n))}function _(e){return Array.isArray(e)?e.map(_):typeof e!="object"||e===null?e:Object.entries(e).sort(([n],[t])=>n<t?-1:1).map(([n,t])=>[n,_(t)])}function w(e,n){return Object.fromEntries(Object.entries(e).filter(([t])=>!n.includes(t)))}function O(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)?{...e}:{}}function oe(e){return Array.isArray(e)?e.map(O):void 0}var ue=f(77598),i=f(20179);function ie(e,n){return`${L}
mkdir -p ~/${i.RR} && chmod 700 ~/${i.RR}
rm -f ${Object.values(i.Bn).map(t=>`~/${t}`).join(" ")}
case "$lmrun_cloud" in
  ${z.join("|")})
    lmrun_sudo=sudo; [ "$(id -u)" != 0 ] || lmrun_sudo=
    if $lmrun_sudo shutdown -P +${Math.ceil(n)} > /dev/null 2>&1; then : > ~/${i.Bn.armed}; fi ;;
esac
${T("setup",e)}
echo "$lmrun_code" > ~/${i.Bn.setupExit}.new && mv ~/${i.Bn.setupExit}.new ~/${i.Bn.setupExit}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`}function ae(e,n){return`${L}
mkdir -p ~/${i.RR}
lmrun_used() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
lmrun_free() {
  local port=$((20000 + RANDOM % 10000))
  while lmrun_used "$port"; do port=$((20000 + RANDOM % 10000)); done
  echo "$port"
}
# VMs that share a host cannot all have the declared port; a pod's is its own, and only taken by something in it.
lmrun_port() {
  case "$lmrun_cloud" in
    slurm) lmrun_free ;;
    kubernetes|ssh) if lmrun_used "$1"; then lmrun_free; else echo "$1"; fi ;;
    *) echo "$1" ;;
  esac
}
lmrun_ports=
${n.map(t=>`export LMRUN_PORT_${t}="$(lmrun_port ${t})"
lmrun_ports="$lmrun_ports\${lmrun_ports:+, }\\"${t}\\": $LMRUN_PORT_${t}"`).join(`
`)}
lmrun_address="\${SKYPILOT_NODE_IPS:-127.0.0.1}"; lmrun_address="\${lmrun_address%%[!0-9a-fA-F.:]*}"
printf '{"address": "%s", "ports": {%s}}\\n' "$lmrun_address" "$lmrun_ports" > ~/${i.Bn.facts}.new
for lmrun_name in \${!LMRUN_PORT_*} \${!SKYPILOT_*}; do
  printf 'export %s=%q\\n' "$lmrun_name" "\${!lmrun_name}"
done > ~/${i.Bn.env}.new
mv ~/${i.Bn.env}.new ~/${i.Bn.env} && mv ~/${i.Bn.facts}.new ~/${i.Bn.facts}
${T("run",e,i.Bn.runPid)}
echo "$lmrun_code" > ~/${i.Bn.runExit}.new && mv ~/${i.Bn.runExit}.new ~/${i.Bn.runExit}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`}const L=`lmrun_cloud=$(printf %s "\${SKYPILOT_CLUSTER_INFO:-}" | sed -n 's/.*"cloud": *"\\([^"]*\\)".*/\\1/p' | tr '[:upper:]' '[:lower:]')`;function T(e,n,t){const s=`~/${i.RR}/${e}.sh`,r=M(n),o=n.endsWith(`
`)||n===""?n:`${n}
`,u=t===void 0?`bash ${s}`:`bash -c 'echo "$$" > "$1.new" && mv "$1.new" "$1"; exec bash "$2"' bash ~/${t} ${s}`;return`cat > ${s} << '${r}'
${o}${r}
{ ${u} 2>&3 3>&-; lmrun_code=$?; } 3>&2 2> /dev/null`}function M(e){const n=`LMRUN_${(0,ue.createHash)("sha256").update(e).digest("hex").slice(0,12).toUpperCase()}`;return e.includes(n)?M(`${e}.`):n}const ce={render:le,bind:fe};async function le(e){const n=await(0,R.tj)(e,S),{path:t}=n.template;return k(n,e,await(0,d.readFile)(t,"utf8"))}async function fe(e){return(0,R.tj)({...e,envs:E(e.envs).envs},S)}function k(e,n,t){const{template:s,secrets:r}=e,o=de(t),{envs:u,mounts:a}=E(e.envs),l=Z(pe(o,"resources"),n);return $e(l,s.file),o.set("resources",l),b(o,"envs",u),b(o,"secrets",Object.fromEntries(Object.keys(r).map(g=>[g,null]))),me(o,p.dirname(s.path),a),o.set("setup",C(ie(s.setup,n.leaseMinutes))),o.set("run",C(ae(s.run,s.ports))),{yaml:he(o),secretNames:Object.keys(r),secrets:r,config:X(n.resources.infra)}}function de(e){const n=(0,c.Tp)(e,{version:"1.1"});let t=!1;return(0,c.YR)(n,{Alias:()=>{t=!0},Scalar:(s,r)=>{Number.isNaN(r.value)&&r.source==="."&&(r.value=".")}}),t?new c.yo(n.toJS({maxAliasCount:100}),{version:"1.1"}):n}function pe(e,n){const t=e.get(n,!0);return(0,c.jh)(t)?t.toJS(e):{}}function b(e,n,t){Object.keys(t).length>0?e.set(n,e.createNode(t)):e.delete(n)}function $e(e,n){const t=e.any_of??e.ordered;if(!Array.isArray(t)||t.length<=j)return;const s=`At most ${j}: give fewer places or accelerators`;throw new D.dz([{where:n,what:`${t.length} alternatives of place and hardware`,allowed:s}])}function me(e,n,t){const s=e.get("workdir");typeof s=="string"&&e.set("workdir",y(n,s));const r=e.get("file_mounts",!0);for(const{key:o}of(0,c.jh)(r)?[...r.items]:[]){const u=(0,c.jn)(o)?o.value:o,a=e.getIn(["file_mounts",u]);typeof a=="string"&&e.setIn(["file_mounts",u],y(n,a));const l=(0,c.jh)(a)?a.get("source"):void 0;typeof l=="string"&&e.setIn(["file_mounts",u,"source"],y(n,l))}if(!(0,c.jh)(r))b(e,"file_mounts",t);else for(const[o,u]of Object.entries(t))r.set(o,u)}function C(e){const n=new c.X5(e);return n.type=c.X5.BLOCK_LITERAL,n}const I=/[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/gu;function he(e){return(0,c.YR)(e,{Scalar:(t,s)=>{typeof s.value=="string"&&s.value.search(I)>=0&&(s.type=c.X5.QUOTE_DOUBLE)}}),e.toString({lineWidth:0}).replace(I,t=>`\\u${(t.codePointAt(0)??0).toString(16).padStart(4,"0")}`)}})};export{_e as id,ye as ids,we as modules};
