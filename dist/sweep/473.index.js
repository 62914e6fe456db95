const f=473,p=[473],E={19473:((d,e,o)=>{o.r(e),o.d(e,{InputError:()=>a,LmrunError:()=>s,explain:()=>i,formatProblem:()=>u,isAbort:()=>c});class s extends Error{name="LmrunError";hint;constructor(t,{cause:r,hint:m}={}){super(t,r===void 0?void 0:{cause:r}),this.hint=m}}class a extends s{name="InputError";problems;constructor(t,r={}){super(t.map(u).join(`
`),r),this.problems=t}}function u({where:n,what:t,allowed:r}){return`${n}: ${t}. ${r}`}function i(n){if(!(n instanceof Error))return String(n);const t=n instanceof s&&n.hint?`
${n.hint}`:"",r=n.cause===void 0?"":`
caused by: ${i(n.cause)}`;return`${n.message}${t}${r}`}function c(n){return n instanceof Error?n.name==="AbortError"||n.name==="TimeoutError"||c(n.cause):!1}})};export{f as id,p as ids,E as modules};
