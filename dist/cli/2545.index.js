const f=2545,i=[2545],_={42545:((u,e,t)=>{t.r(e),t.d(e,{readKubeconfig:()=>d});var s=t(51455),a=t(19473);async function d(o,r){if(o.includes(`
`))return o;try{return await(0,s.readFile)(o,"utf8")}catch(n){const c=`cannot be read: ${n.message}`;throw new a.dz([{where:r,what:c,allowed:"Give the path of a kubeconfig, or its text"}],{cause:n})}}})};export{f as id,i as ids,_ as modules};
