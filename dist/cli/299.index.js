const P=299,v=[299],N={3299:((D,c,r)=>{r.r(c),r.d(c,{renderTerminal:()=>g});var s=r(4803),o=r(9924),l=r(7872),E=r(3533),T=r(5567);const f=10,e=160;function g(n){return`${[`${$((0,s.Pl)(n))}
${(0,s._O)(n).map($).join(" \xB7 ")}`,(0,s.Q2)(n).map($).join(`
`),j(n).join(`
`),...(0,T.B)(n).map(h),n.warnings.map(i=>`warning: ${(0,o.$Q)((0,o.TN)(i),e*2)}`).join(`
`),M(n).join(`
`)].filter(Boolean).join(`

`)}
`}const $=n=>n.map(t=>typeof t=="string"?(0,o.RK)(t):(0,o.$Q)((0,o.TN)(t.code),e)).join("");function j(n){if((0,l.tm)(n).length===0)return[];const t=(0,l.OY)(n),i=(0,s.jO)(n).map(([a,m])=>{const p=(0,s.JA)(m,n),_=p.kind==="scored"?t.map(d=>d.value(m)):[p.kind==="invalid"?"INVALID":"not finished"];return[(0,o.$Q)((0,o.TN)(a),40),..._]});return O([["",...t.map(L)],...i])}const L=({title:n})=>typeof n=="string"?n:(0,o.$Q)((0,o.TN)(n.code),30);function O(n){const t=(n[0]??[]).map((i,a)=>Math.max(...n.map(m=>(m[a]??"").length)));return n.map(i=>i.map((a,m)=>m===0?a.padEnd(t[0]??0):a.padStart(t[m]??0)).join("  ").trimEnd())}function h({subject:n,what:t,reasons:i,cause:a,advice:m,log:p}){const _=d=>(0,o.$Q)((0,o.TN)(d),e*2);return[`${n===null?"failed":(0,o.$Q)((0,o.TN)(n),40)}: ${_(t)}`,...i.slice(0,5).map(d=>`  - ${_(d)}`),...i.length>5?[`  - and ${(0,E.LS)(i.length-5,"more reason")}`]:[],...a?[`  likely cause: ${_(a)}`]:[],...m.map(d=>`  what to do: ${_(d)}`),...p.slice(-f).map(d=>`  | ${(0,o.$Q)((0,o.TN)(d),e)}`)].join(`
`)}function M(n){const t=(0,s.Ql)(n);return t.length===0?[]:[`${(0,E.LS)(t.length,"VM")} may still be running. To end ${t.length===1?"it":"them"}:`,...t.map(i=>`  ${(0,s.v6)(i)}`)]}})};export{P as id,v as ids,N as modules};
