{{ config(materialized='incremental', unique_key=['a', "b"], n=-1.5, d={'x': {'y': []}}) }}
select * from {{ ref('m') }} join {{ source('s', 't') }} using (id)
{%- if is_incremental() and not (var('k', 'v') == 'v' or false) -%}
where x > (select max(x) from {{ this }})
{% elif 1 != 2 %} b {% else %} c {% endif %} {# gone -#}  end