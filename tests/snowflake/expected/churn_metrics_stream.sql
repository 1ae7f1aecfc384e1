create or replace stream CHURN.PIPELINE.churn_metrics_stream on dynamic table CHURN.PIPELINE.churn_metrics_live
