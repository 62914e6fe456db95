/** The look of report.html: system fonts, light and dark, readable on a phone. */
export const STYLE = `
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
`
