const v=3299,I=[3299],N={63299:((h,c,d)=>{d.r(c),d.d(c,{renderTerminal:()=>L});var l=d(71969),s=d(4803),t=d(9924),O=d(87872),e=d(73533),j=d(25567);const T=10,p=160;function L(n){return`${[`${E((0,s.Pl)(n))}
${(0,s._O)(n).map(E).join(" \xB7 ")}`,(0,s.Q2)(n).map(E).join(`
`),f(n).join(`
`),...(0,j.B)(n).map(M),n.warnings.map(a=>`warning: ${(0,t.$Q)((0,t.TN)(a),p*2)}`).join(`
`),(0,l.OK)(n).map(E).join(`
`),E((0,l.GD)(n)??[]),P(n).join(`
`)].filter(Boolean).join(`

`)}
`}const E=n=>n.map(o=>typeof o=="string"?(0,t.RK)(o):(0,t.$Q)((0,t.TN)(o.code),p)).join("");function f(n){if((0,O.tm)(n).length===0)return[];const o=(0,O.OY)(n),a=(0,s.jO)(n).map(([i,m])=>{const $=(0,s.JA)(m,n),r=$.kind==="scored"?o.map(_=>_.value(m)):[$.kind==="invalid"?"INVALID":"not finished"];return[(0,t.$Q)((0,t.TN)(i),40),...r]});return D([["",...o.map(g)],...a])}const g=({title:n})=>typeof n=="string"?n:(0,t.$Q)((0,t.TN)(n.code),30);function D(n){const o=(n[0]??[]).map((a,i)=>Math.max(...n.map(m=>(m[i]??"").length)));return n.map(a=>a.map((i,m)=>m===0?i.padEnd(o[0]??0):i.padStart(o[m]??0)).join("  ").trimEnd())}function M({subject:n,what:o,reasons:a,cause:i,advice:m,log:$}){const r=_=>(0,t.$Q)((0,t.TN)(_),p*2);return[`${n===null?"failed":(0,t.$Q)((0,t.TN)(n),40)}: ${r(o)}`,...a.slice(0,5).map(_=>`  - ${r(_)}`),...a.length>5?[`  - and ${(0,e.LS)(a.length-5,"more reason")}`]:[],...i?[`  likely cause: ${r(i)}`]:[],...m.map(_=>`  what to do: ${r(_)}`),...$.slice(-T).map(_=>`  | ${(0,t.$Q)((0,t.TN)(_),p)}`)].join(`
`)}function P(n){const o=(0,s.Ql)(n);return o.length===0?[]:[`${(0,e.LS)(o.length,"VM")} may still be running. To end ${o.length===1?"it":"them"}:`,...o.map(a=>`  ${(0,s.v6)(a)}`)]}})};export{v as id,I as ids,N as modules};
