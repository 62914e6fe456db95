const we=2160,ye=[2160],ge={20179:((J,_,f)=>{f.d(_,{Bn:()=>$,RR:()=>d,UJ:()=>l,V5:()=>w,fA:()=>y});const d=".lmrun/launch",$={setupExit:`${d}/setup.exit`,runPid:`${d}/run.pid`,runExit:`${d}/run.exit`,facts:`${d}/vm.json`,env:`${d}/job.env`,armed:`${d}/shutdown.armed`};function l(p){return`${d}/secrets.${p}`}const w="LMRUN_LAUNCH",y=`
if [ -e ~/${$.armed} ]; then
  if [ "$(id -u)" = 0 ]; then shutdown -c; else sudo -n shutdown -c; fi && rm -f ~/${$.armed}
fi
`}),32160:((J,_,f)=>{f.r(_),f.d(_,{renderTask:()=>B,skyRenderer:()=>le});var d=f(51455),$=f(76760),l=f(38815),w=f(19473),y=f(9407),p=f(85990),Y=f(73024);const z=["QUESTIONS","MODEL"];function b(e){const n=z.flatMap(s=>{const r=e[s];return r!==void 0&&$.isAbsolute(r)&&(0,Y.existsSync)(r)?[{name:s,from:r}]:[]}),t=(s,r)=>`lmrun-inputs/${s.toLowerCase()}${$.extname(r)}`;return{envs:{...e,...Object.fromEntries(n.map(({name:s,from:r})=>[s,t(s,r)]))},mounts:Object.fromEntries(n.map(({name:s,from:r})=>[t(s,r),r]))}}function R(e,n){return/^([a-z][a-z0-9+.-]*:\/\/|~|\$|\/)/i.test(n)?n:$.resolve(e,n)}const K={service:"A run launches VMs, no SkyServe replicas: take it out",pool:"A run launches VMs, no pool of workers: take it out"};function j(e,n){const{places:t,numNodes:s,file:r}=e,o=Object.entries(K).flatMap(([u,i])=>{const a=t.get(u);return a===void 0?[]:[{where:a,what:`'${u}' is no part of a VM`,allowed:i}]});s!==1&&o.push({where:t.get("num_nodes")??r,what:`num_nodes is ${s}`,allowed:"The run watches, renews and ends one node a VM: give num_nodes: 1, or leave it out"});for(const u of["setup","run"]){if(!e[u].includes("\0"))continue;const i=t.get(u)??r;o.push({where:i,what:`a NUL character in ${u}`,allowed:"A script cannot hold one"})}return[...o,...n.flatMap(u=>G(u,e))]}const X=["file_mounts","workdir","volumes"];function W(e,n,{places:t,file:s}){return X.flatMap(r=>{const o=[...JSON.stringify(e[r]??null).matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([,u])=>u);return n.filter(u=>o.includes(u)).map(u=>{const i=`SkyPilot fills it in and keeps it: make it an env, or let setup use $${u}`;return{where:t.get(r)??s,what:`the secret ${u} in ${r}`,allowed:i}})})}function G(e,{places:n,file:t}){return/^(LMRUN|SKYPILOT)_/.test(e)?[{where:n.get(`envs.${e}`)??n.get(`secrets.${e}`)??t,what:`the variable ${e}`,allowed:"LMRUN_* and SKYPILOT_* are set by the fleet: take another name"}]:[]}const M=64;function Q(e,{resources:n,labels:t,joins:s=!1}){const{any_of:r,ordered:o,autostop:u,...i}=e,a=r===void 0&&o!==void 0?"ordered":"any_of",m=se(r??o),v=Z((m??[{}]).map(h=>ee({...i,...h})),n),L=re(v.map(h=>q(h,{...n,joins:s}))),F=te(L),H={...F,labels:{...A(i.labels),...t}};return L.length===1?H:{...H,[a]:L.map(h=>O(h,Object.keys(F)))}}function Z(e,{infra:n,accelerators:t}){const s=E(e,t,{fits:(r,o)=>x(r.accelerators)===x(o),set:(r,o)=>({...O(r,["instance_type"]),accelerators:o})});return E(s,n,{fits:(r,o)=>typeof r.infra=="string"&&ne(r.infra,o),set:(r,o)=>({...r,infra:o}),open:r=>r.infra===void 0})}function E(e,n,t){if(n.length===0)return[...e];const s=t.open??(()=>!1),r=e.flatMap(o=>s(o)?n.map(u=>t.set(o,u)):n.some(u=>t.fits(o,u))?[o]:[]);return r.length>0?r:e.flatMap(o=>n.map(u=>t.set(o,u)))}function q(e,{spot:n,diskSize:t,maxHourlyCost:s,joins:r}){const o=typeof e.infra=="string"?e.infra:void 0,u=[...(0,p.oY)(o)&&!r?[]:["ports"],...(0,p.HG)(o)?[]:["use_spot"]],i=[e.max_hourly_cost,s].filter(a=>typeof a=="number");return O({...e,...n===void 0?{}:{use_spot:n},...t===void 0?{}:{disk_size:t},...i.length===0?{}:{max_hourly_cost:Math.min(...i)}},["labels",...u])}function ee(e){const{cloud:n,region:t,zone:s,gpus:r,...o}=e,u=[n??"*",t??(s===void 0?void 0:"*"),s],i=o.infra??(n||t||s?u.filter(Boolean).join("/"):void 0),a=o.accelerators??r;return{...o,...i===void 0?{}:{infra:i},...a===void 0?{}:{accelerators:a}}}function ne(e,n){const[t,s]=[e,n].map(r=>[(0,p.hH)(r),...r.split("/").slice(1)]);return(s??[]).every((r,o)=>r==="*"||r===t?.[o])}function x(e){if(typeof e=="string")return e.includes(":")?e.toLowerCase():`${e.toLowerCase()}:1`;const[n,...t]=Object.entries(A(e));return n&&t.length===0?`${n[0]}:${n[1]??1}`.toLowerCase():null}function te(e){const[n={},...t]=e;return Object.fromEntries(Object.entries(n).filter(([s,r])=>t.every(o=>N(o[s],r))))}function re(e){return e.filter((n,t)=>e.findIndex(s=>N(s,n))===t)}function N(e,n){return JSON.stringify(g(e))===JSON.stringify(g(n))}function g(e){return Array.isArray(e)?e.map(g):typeof e!="object"||e===null?e:Object.entries(e).sort(([n],[t])=>n<t?-1:1).map(([n,t])=>[n,g(t)])}function O(e,n){return Object.fromEntries(Object.entries(e).filter(([t])=>!n.includes(t)))}function A(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)?{...e}:{}}function se(e){return Array.isArray(e)?e.map(A):void 0}var oe=f(77598),c=f(20179);const T=600;function ue(e,n,t=[]){return`${U}
mkdir -p ~/${c.RR} && chmod 700 ~/${c.RR}
rm -f ${Object.values(c.Bn).map(s=>`~/${s}`).join(" ")}
case "$lmrun_cloud" in
  ${p.Ov.join("|")})
    lmrun_sudo=sudo; [ "$(id -u)" != 0 ] || lmrun_sudo=
    if $lmrun_sudo shutdown -P +${Math.ceil(n)} > /dev/null 2>&1; then : > ~/${c.Bn.armed}; fi ;;
esac
${I(t)}
${t.length>0?ce(t):""}
${k("setup",e)}
${S('"$lmrun_code"',c.Bn.setupExit)}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`}function ie(e,n,t=[]){return`${U}
mkdir -p ~/${c.RR}
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
${n.map(s=>`export LMRUN_PORT_${s}="$(lmrun_port ${s})"
lmrun_ports="$lmrun_ports\${lmrun_ports:+, }\\"${s}\\": $LMRUN_PORT_${s}"`).join(`
`)}
lmrun_address="\${SKYPILOT_NODE_IPS:-127.0.0.1}"; lmrun_address="\${lmrun_address%%[!0-9a-fA-F.:]*}"
printf '{"address": "%s", "ports": {%s}}\\n' "$lmrun_address" "$lmrun_ports" > ~/${c.Bn.facts}.new
for lmrun_name in \${!LMRUN_PORT_*} \${!SKYPILOT_*}; do
  printf 'export %s=%q\\n' "$lmrun_name" "\${!lmrun_name}"
done > ~/${c.Bn.env}.new
mv ~/${c.Bn.env}.new ~/${c.Bn.env} && mv ~/${c.Bn.facts}.new ~/${c.Bn.facts}
${I(t)}
${k("run",e,`~/${c.Bn.runPid}`)}
${S('"$lmrun_code"',c.Bn.runExit)}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`}const U=`lmrun_cloud=$(printf %s "\${SKYPILOT_CLUSTER_INFO:-}" | sed -n 's/.*"cloud": *"\\([^"]*\\)".*/\\1/p' | tr '[:upper:]' '[:lower:]')`;function I(e){return e.length===0?"lmrun_secrets=/dev/null":`lmrun_secrets=\${${c.V5}:+$HOME/${(0,c.UJ)(`$${c.V5}`)}}
lmrun_secrets=\${lmrun_secrets:-/dev/null}`}function ce(e){return`for ((lmrun_second = 0; lmrun_second < ${T}; lmrun_second++)); do
  [ ! -r "$lmrun_secrets" ] || break
  sleep 1
done
if [ ! -r "$lmrun_secrets" ]; then
  echo "lmrun: the secrets (${e.join(", ")}) did not come within ${T/60} minutes: the run that launched this VM has ended, or cannot reach it over ssh" >&2
  ${S("1",c.Bn.setupExit)}
  exit 1
fi`}function S(e,n){return`echo ${e} > ~/${n}.new && mv ~/${n}.new ~/${n}`}const ae='[ -z "$3" ] || { echo "$$" > "$3.new" && mv "$3.new" "$3"; }; . "$2" && exec bash "$1"';function k(e,n,t="''"){const s=`~/${c.RR}/${e}.sh`,r=P(n),o=n.endsWith(`
`)||n===""?n:`${n}
`;return`cat > ${s} << '${r}'
${o}${r}
{ bash -c '${ae}' bash ${s} "$lmrun_secrets" ${t} 2>&3 3>&-; lmrun_code=$?; } 3>&2 2> /dev/null`}function P(e){const n=`LMRUN_${(0,oe.createHash)("sha256").update(e).digest("hex").slice(0,12).toUpperCase()}`;return e.includes(n)?P(`${e}.`):n}const le={render:fe,bind:de};async function fe(e){const n=await(0,y.tj)(e,j),{path:t}=n.template;return B(n,e,await(0,d.readFile)(t,"utf8"))}async function de(e){return(0,y.tj)({...e,envs:b(e.envs).envs},j)}function B(e,n,t){const{template:s,secrets:r}=e,o=$e(t),{envs:u,mounts:i}=b(e.envs),a=Q(pe(o,"resources"),n);me(a,s.file);const m=Object.keys(r),v=W(o.toJS(),m,s);if(v.length>0)throw new w.dz(v);return o.set("resources",a),C(o,"envs",{...u,LMRUN_MESH:n.joins?"join":"off"}),o.delete("secrets"),he(o,$.dirname(s.path),i),o.set("setup",V(ue(s.setup,n.leaseMinutes,m))),o.set("run",V(ie(s.run,s.ports,m))),{yaml:_e(o),secrets:r,config:(0,p.FA)(n.resources.infra)}}function $e(e){const n=(0,l.Tp)(e,{version:"1.1"});let t=!1;return(0,l.YR)(n,{Alias:()=>{t=!0},Scalar:(s,r)=>{Number.isNaN(r.value)&&r.source==="."&&(r.value=".")}}),t?new l.yo(n.toJS({maxAliasCount:100}),{version:"1.1"}):n}function pe(e,n){const t=e.get(n,!0);return(0,l.jh)(t)?t.toJS(e):{}}function C(e,n,t){Object.keys(t).length>0?e.set(n,e.createNode(t)):e.delete(n)}function me(e,n){const t=e.any_of??e.ordered;if(!Array.isArray(t)||t.length<=M)return;const s=`At most ${M}: give fewer places or accelerators`;throw new w.dz([{where:n,what:`${t.length} alternatives of place and hardware`,allowed:s}])}function he(e,n,t){const s=e.get("workdir");typeof s=="string"&&e.set("workdir",R(n,s));const r=e.get("file_mounts",!0);for(const{key:o}of(0,l.jh)(r)?[...r.items]:[]){const u=(0,l.jn)(o)?o.value:o,i=e.getIn(["file_mounts",u]);typeof i=="string"&&e.setIn(["file_mounts",u],R(n,i));const a=(0,l.jh)(i)?i.get("source"):void 0;typeof a=="string"&&e.setIn(["file_mounts",u,"source"],R(n,a))}if(!(0,l.jh)(r))C(e,"file_mounts",t);else for(const[o,u]of Object.entries(t))r.set(o,u)}function V(e){const n=new l.X5(e);return n.type=l.X5.BLOCK_LITERAL,n}const D=/[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/gu;function _e(e){return(0,l.YR)(e,{Scalar:(t,s)=>{typeof s.value=="string"&&s.value.search(D)>=0&&(s.type=l.X5.QUOTE_DOUBLE)}}),e.toString({lineWidth:0}).replace(D,t=>`\\u${(t.codePointAt(0)??0).toString(16).padStart(4,"0")}`)}})};export{we as id,ye as ids,ge as modules};
