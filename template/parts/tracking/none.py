{#- The logs stay in history.csv. -#}
