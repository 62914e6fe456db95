const c=549,e=[549],s={9549:((a,_,t)=>{t.d(_,{DefaultArtifactClient:()=>o.t9});var o=t(86917)})};export{c as id,e as ids,s as modules};
