const ft=7814,mt=[7814],gt={67814:((pt,S,m)=>{m.r(S),m.d(S,{renderHtml:()=>X});var u=m(71969),s=m(4803),r=m(9924),c=m(87872);function l(t){return t.map(n=>typeof n=="string"?O(n):(0,r.h8)(n.code)).join("")}function O(t){return(0,r.Bj)(t).map(n=>"code"in n?(0,r.h8)(n.code):(0,r.qy)(n.text)).join("")}const x=t=>`<pre>${(0,r.qy)(t)}</pre>`;function p(t,n=""){return`<td${n&&` class="${n}"`}>${l([t])}</td>`}function $(t,n){const e=t.map(o=>`<th scope="col">${typeof o=="string"?(0,r.qy)(o):(0,r.qy)((0,r.TN)(o.code))}</th>`),a=n.map(o=>`<tr>${o.join("")}</tr>`);return`<div class="scroll"><table><thead><tr>${e.join("")}</tr></thead><tbody>${a.join("")}</tbody></table></div>`}var f=m(73533);const w=500,q=2e4;function L(t){return(0,s.jO)(t).filter(([,n])=>n.failedQuestions.length>0).map(([n,{failedQuestions:e}])=>{const a=e.slice(0,w).map(A),o=e.length>w?`<p class="soft">and ${(0,f.LS)(e.length-w,"more")} in results.json</p>`:"";return`<section><h2>Questions without full marks: ${(0,r.h8)(n)}</h2><div class="card questions">${a.join("")}${o}</div></section>`}).join(`
`)}function A(t){const e=`${`<span class="tag${(t.score??0)>0?" part":""}">${(0,s.bu)(t)}</span>`} ${(0,r.qy)(t.category)} / ${(0,r.qy)(t.task)} <code class="id">${(0,r.qy)((0,r.$Q)(t.questionId,16))}</code>`,a=(i,d)=>d===""?"":`<h4>${i}</h4>${x((0,r.$Q)(d,q))}`,o=t.note?`<p class="soft">${l([t.note])}</p>`:"";return`<details><summary>${e}</summary>${o}${a("Asked",t.prompt)}${a("Replied",t.answer)}</details>`}const I=8;function C(t){const n=(0,s.jO)(t);if(n.length>I||(0,c.tm)(t).length===0)return"";const e=n.map(([a,o])=>N(a,o,t));return`<div class="cards${n.length===1?" single":""}">${e.join("")}</div>`}function N(t,n,e){const a=(0,s.JA)(n,e),o=`<div class="name"><code>${(0,r.qy)((0,r.$Q)((0,r.TN)(t),80))}</code></div>`;if(a.kind==="unfinished")return`<article class="card model">${o}<div class="big soft">not finished</div></article>`;if(a.kind==="invalid")return`<article class="card model invalid">${o}<div class="big bad">INVALID</div><p class="why">${l([a.why])}</p></article>`;const i=`<div class="big">${(0,f.fN)(a.average)}<small>overall, of 100</small></div>`;return`<article class="card model">${o}${i}${B(n)}${Q(n)}</article>`}function B({scores:t}){if(!t)return"";const n=Object.keys(t.categories).length>1?t.categories:t.tasks;return`<div class="bars">${Object.entries(n).toSorted(([a],[o])=>a<o?-1:1).map(([a,o])=>{const i=Math.min(100,Math.max(0,o)).toFixed(1);return`<span>${(0,r.qy)((0,r.TN)(a))}</span><span class="track"><i style="width:${i}%"></i></span><span class="value">${(0,f.fN)(o)}</span>`}).join("")}</div>`}function Q({speed:t,scores:n}){const e=n?`<span>questions <b>${n.questions.expected}</b></span>`:"";return t?`<div class="meters"><span>TTFT <b>${(0,f.YA)(t.ttft.p50)}</b></span><span>tokens/s <b>${(0,f.TS)(t.tokensPerSecond.p50)}</b></span>${e}</div>`:`<div class="meters">${e}</div>`}function E(t){const n=(0,c.OY)(t),e=(0,s.jO)(t).map(([a,o])=>{const i=(0,s.JA)(o,t);if(i.kind==="scored")return[p({code:a}),...n.map((g,j)=>p(g.value(o),j===0?"strong":""))];const d=i.kind==="invalid"?p("INVALID","bad"):p("not finished","soft");return[p({code:a}),d,...n.slice(1).map(()=>p(""))]});return`<div class="card">${$(["",...n.map(({title:a})=>a)],e)}</div>`}const P=`
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1a1f26; --soft: #5b6572; --line: #e2e6eb; --fill: #eef1f5;
  --accent: #3157d5; --good: #1a7f4b; --bad: #c02b2b; --bad-fill: #fdecec; --warn: #8a5a00; --warn-fill: #fff5dc;
  --check: #94a3b8; --launch: #7c6bd6; --load: #c47f17; --answer: #3157d5; --release: #4b9c8e; --grade: #1a7f4b;
  --report: #94a3b8; --teardown: #8d99a8;
  --mono: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216; --card: #171b21; --ink: #e7ebf0; --soft: #98a3b1; --line: #2a313b; --fill: #20262f;
    --accent: #7d9bff; --good: #4cc38a; --bad: #ff7a7a; --bad-fill: #34191b; --warn: #f0b849; --warn-fill: #312712;
    --check: #64748b; --launch: #9d8ff0; --load: #e0a13c; --answer: #7d9bff; --release: #5fb8a9; --grade: #4cc38a;
    --report: #64748b; --teardown: #5d6878;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%; overflow-wrap: anywhere;
}
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 56px; }
h1 { font-size: clamp(1.35rem, 1rem + 1.8vw, 2rem); line-height: 1.25; margin: 10px 0 12px; letter-spacing: -.015em; text-wrap: balance; }
h2 { font-size: 1.05rem; margin: 40px 0 12px; letter-spacing: -.005em; }
h3 { font-size: .95rem; margin: 20px 0 8px; }
p { margin: 0 0 10px; } p:last-child { margin-bottom: 0; }
code, pre { font-family: var(--mono); font-size: .88em; }
h1 code, h2 code, .name code { font-size: .94em; }
a { color: var(--accent); }
.top { display: flex; align-items: center; gap: 10px; font-size: .85rem; color: var(--soft); }
.pill { padding: 2px 10px; border-radius: 99px; font-weight: 600; font-size: .78rem; background: var(--fill); color: var(--soft); }
.pill.good { color: var(--good); } .pill.bad { color: var(--bad); background: var(--bad-fill); } .pill.warn { color: var(--warn); background: var(--warn-fill); }
.chips { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 0; padding: 0; list-style: none; color: var(--soft); font-size: .92rem; }
.box { border-radius: 12px; padding: 14px 18px; margin: 18px 0 0; background: var(--fill); }
.box.bad { background: var(--bad-fill); } .box.bad > :first-child { color: var(--bad); font-weight: 650; }
.box.warn { background: var(--warn-fill); }
.box ul { margin: 6px 0 0; padding-left: 20px; }
pre { margin: 8px 0 0; padding: 12px 14px; border-radius: 8px; background: var(--fill); white-space: pre-wrap; tab-size: 4; max-height: 30rem; overflow: auto; }
.box pre { background: var(--card); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 18px 20px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 16px; margin-top: 22px; }
.card.model { display: flex; flex-direction: column; gap: 14px; }
.card.invalid { border-color: var(--bad); }
.name { font-weight: 650; display: flex; justify-content: space-between; gap: 12px; align-items: baseline; }
.big { font-size: 2.9rem; line-height: 1; font-weight: 680; letter-spacing: -.035em; font-variant-numeric: tabular-nums; }
.big small { font-size: .85rem; font-weight: 500; letter-spacing: 0; color: var(--soft); margin-left: 8px; }
.big.bad { color: var(--bad); font-size: 2rem; letter-spacing: -.01em; } .big.soft { color: var(--soft); font-size: 1.5rem; }
.bars { display: grid; grid-template-columns: minmax(0, max-content) 1fr max-content; gap: 7px 12px; align-items: center; font-size: .88rem; }
.bars .track { height: 8px; border-radius: 4px; background: var(--fill); overflow: hidden; }
.bars .track i { display: block; height: 100%; border-radius: 4px; background: var(--accent); }
.bars .value { text-align: right; font-variant-numeric: tabular-nums; }
.meters { display: flex; flex-wrap: wrap; gap: 6px 24px; border-top: 1px solid var(--line); padding-top: 12px; margin-top: auto; font-size: .88rem; color: var(--soft); }
.meters b { color: var(--ink); font-variant-numeric: tabular-nums; }
.why { margin: 0; font-size: .92rem; }
.single .card.model { display: grid; grid-template-columns: auto 1fr; gap: 14px 40px; }
.single .name, .single .meters { grid-column: 1 / -1; }
.single .big { align-self: center; font-size: 3.6rem; }
.single .big small { display: block; margin: 8px 0 0 4px; }
.scroll { overflow-x: auto; padding: 4px 0; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 9px 14px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 500; color: var(--soft); } th:first-child, td:first-child { text-align: left; padding-left: 0; } th:last-child, td:last-child { padding-right: 0; }
tbody tr:last-child td { border-bottom: 0; }
td.bad { color: var(--bad); font-weight: 650; } td.soft { color: var(--soft); } td.strong { font-weight: 650; }
.soft { color: var(--soft); font-size: .88rem; margin-top: 8px; }
svg { display: block; width: 100%; min-width: 620px; height: auto; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
svg text { fill: var(--soft); } svg .lane { fill: var(--ink); font-family: var(--mono); } svg .in { fill: #fff; font-weight: 600; }
@media (prefers-color-scheme: dark) { svg .in { fill: #0f1216; } }
svg .grid { stroke: var(--line); } svg .failed { stroke: var(--bad); stroke-width: 2.5; stroke-dasharray: 4 2; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: .85rem; color: var(--soft); margin-top: 10px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; }
details { border-bottom: 1px solid var(--line); padding: 10px 0; } details:last-child { border-bottom: 0; }
summary { cursor: pointer; } summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
details h4 { margin: 12px 0 0; font-size: .8rem; color: var(--soft); font-weight: 600; }
.questions { padding-top: 6px; padding-bottom: 6px; }
.tag { display: inline-block; min-width: 10em; color: var(--bad); font-weight: 600; font-size: .86rem; } .tag.part { color: var(--warn); }
.id { color: var(--soft); }
dl { display: grid; grid-template-columns: 11em 1fr; gap: 7px 20px; margin: 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; }
footer { margin-top: 36px; color: var(--soft); font-size: .85rem; }
@media (max-width: 560px) {
  main { padding: 20px 14px 40px; } .card { padding: 15px 15px; }
  .single .card.model { grid-template-columns: 1fr; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
}
@media print { body { background: #fff; } .card { break-inside: avoid; } }
`,y=960,z=150,k=34,T=20,M=24,R=[1,2,5,10,15,30,60,120,300,600,900,1800,3600,7200,14400,28800,86400].map(t=>t*1e3);function W(t){const n=Math.max(1,...t.flatMap(({spans:i})=>i.map(({from:d,ms:g})=>d+g))),e=i=>z+i/n*(y-z-14),a=t.length*k+M,o=[...V(n).map(i=>D(i,e(i),a)),...t.map((i,d)=>F(i,d,e))];return`<svg viewBox="0 0 ${y} ${a}" role="img" aria-label="Phases of the run over time">${o.join("")}</svg>`}function V(t){const n=R.find(e=>t/e<=8)??Math.ceil(t/8);return Array.from({length:Math.floor(t/n)+1},(e,a)=>a*n)}function D(t,n,e){const a=t===0?"0":(0,f.p0)(t);return`${`<line class="grid" x1="${b(n)}" y1="0" x2="${b(n)}" y2="${e-M}"/>`}<text x="${b(n)}" y="${e-6}" text-anchor="${n>y-40?"end":"middle"}">${a}</text>`}function F({subject:t,spans:n},e,a){const o=e*k;return`<text class="lane" x="0" y="${o+21}">${(0,r.qy)((0,r.$Q)((0,r.TN)(t),19))}</text>`+n.map(d=>H(d,o+(k-T)/2,a)).join("")}function H(t,n,e){const a=e(t.from),o=Math.max(2,e(t.from+t.ms)-a-1),i=o>t.name.length*7+14,d=`<rect x="${b(a)}" y="${n}" width="${b(o)}" height="${T}" rx="${Math.min(4,o/2)}" style="fill:var(--${t.name})"${t.ok?"":' class="failed"'}/>`,g=i?`<text class="in" x="${b(a+8)}" y="${n+14.5}">${t.name}</text>`:"";return`<g><title>${(0,c.Wd)(t)}</title>${d}${g}</g>`}const b=t=>t.toFixed(1);var U=m(25567);const J="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",Y="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 14V8h3v6zm4.5 0V5h3v9zM11 14V2h3v12z' fill='%233157d5'/%3E%3C/svg%3E";function X(t){const n=(0,r.qy)((0,s.Pl)(t).map(e=>typeof e=="string"?e:e.code).join(""));return`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${J}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="${Y}">
<title>${n}</title>
<style>${P}</style>
</head>
<body>
<main>
${G(t).filter(Boolean).join(`
`)}
</main>
</body>
</html>
`}function G(t){return[K(t),tt(t),nt(t),_(t),C(t),...(0,U.B)(t).map(ot),h("Scores",(0,s.jO)(t).length>1&&(0,c.tm)(t).length>0?E(t):""),h((0,f.LS)(t.warnings.length,"warning"),it(t)),h("What was tried again, and why",et(t)),h("Timeline",rt(t)),h("Speed",st(t)),h(`Cost: ${(0,u.cv)(t)}`,at(t)),L(t),h("What was run, to the byte",lt(t)),dt(t)]}const h=(t,n)=>n===""?"":`<section><h2>${t}</h2>${n}</section>`;function K(t){const{tone:n,word:e}=Z(t),a=(0,s._O)(t).map(i=>`<li>${l(i)}</li>`),o=`${new Date(t.run.startedAt).toISOString().slice(0,16).replace("T"," ")} UTC`;return`<header><div class="top"><span class="pill ${n}">${e}</span><span>${o}</span></div>
<h1>${l((0,s.Pl)(t))}</h1><ul class="chips">${a.join("")}</ul></header>`}function Z(t){return t.run.status!=="completed"?{tone:"bad",word:t.run.status}:(0,s.jO)(t).every(([,e])=>(0,s.JA)(e,t).kind==="scored")?(0,s.Ug)(t)?{tone:"warn",word:"smoke test"}:{tone:"good",word:"completed"}:{tone:"bad",word:"invalid"}}function _(t){const n=(0,s.Q2)(t).map(e=>`<p>${l(e)}</p>`);return n.length===0?"":`<div class="box warn">${n.join("")}</div>`}function tt(t){const n=(0,s.Ql)(t);return n.length===0?"":`<div class="box bad"><p>${`${(0,f.LS)(n.length,"VM")} may still be running. ${n.length===1?"End it":"End them"} with:`}</p>${x(n.map(s.v6).join(`
`))}</div>`}function nt(t){const n=(0,u.GD)(t);return n?`<div class="box warn"><p>${l(n)}</p></div>`:""}function et(t){const n=(0,u.OK)(t).map(e=>`<li>${l(e)}</li>`);return n.length===0?"":`<div class="card"><ul>${n.join("")}</ul></div>`}function at(t){const n=(0,u.HJ)(t).map(([e="",...a])=>[p({code:e}),...a.map(o=>p(o))]);return n.length===0?"":`<div class="card">${$([...u.qP],n)}<p class="soft">${u.lA}</p></div>`}function ot({subject:t,what:n,reasons:e,cause:a,advice:o,log:i}){const d=t===null?"The run failed":`<code>${(0,r.qy)(t)}</code>`,g=[...e.map(v=>l([v])),...a?[`Likely cause: ${l([a])}`]:[],...o.map(v=>`<b>What to do:</b> ${l([v])}`)],j=g.length>0?`<ul>${g.map(v=>`<li>${v}</li>`).join("")}</ul>`:"",ct=i.length>0?`<details><summary>Last ${(0,f.LS)(i.length,"log line")}</summary>${x(i.join(`
`))}</details>`:"";return`<div class="box bad"><p>${d}: ${l([n])}</p>${j}${ct}</div>`}function it({warnings:t}){return t.length===0?"":`<div class="box warn"><ul>${t.map(n=>`<li>${l([n])}</li>`).join("")}</ul></div>`}function rt(t){const n=(0,c.IO)(t);if(n.length===0)return"";const a=[...new Set(n.flatMap(({spans:o})=>o.map(({name:i})=>i)))].map(o=>`<span><i style="background:var(--${o})"></i>${o}</span>`).join("");return`<div class="card"><div class="scroll">${W(n)}</div><div class="legend">${a}</div></div>`}function st(t){const n=(0,c.uz)(t).map(([e,a])=>[p({code:e}),...c.Cy.map(o=>p(o.value(a)))]);return n.length===0?"":`<div class="card">${$(["",...c.Cy.map(({title:e})=>e)],n)}<p class="soft">${c.Vq}</p></div>`}function lt(t){const n=a=>`<dl>${a.map(({label:o,text:i})=>`<dt>${(0,r.qy)(o)}</dt><dd>${l(i)}</dd>`).join("")}</dl>`,e=(0,s.jO)(t).map(([a,o])=>`<h3><code>${(0,r.qy)(a)}</code></h3>${n((0,c.Pt)(o))}`);return`<div class="card">${n((0,c.pI)(t))}${e.join("")}</div>`}function dt(t){const n=(0,s.ut)(t),e=n?` \xB7 <a href="${(0,r.qy)(n)}" rel="noreferrer">workflow run</a>`:"";return`<footer>LMRun ${(0,r.qy)(t.run.lmrun)} \xB7 every number is in results.json${e}</footer>`}})};export{ft as id,mt as ids,gt as modules};
