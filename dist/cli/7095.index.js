const d=7095,s=[7095],i={27095:((t,e,o)=>{o.r(e),o.d(e,{ApiException:()=>n.UJ4,CoreV1Api:()=>n.f5Y,KubeConfig:()=>n.ypW});var n=o(12901)})};export{d as id,s as ids,i as modules};
