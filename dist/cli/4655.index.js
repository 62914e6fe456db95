const d=4655,l=[4655],s={4655:((e,_,o)=>{o.d(_,{GoogleAuth:()=>t.GoogleAuth});var t=o(492)})};export{d as id,l as ids,s as modules};
