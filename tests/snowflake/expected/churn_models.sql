create stage if not exists CHURN.PIPELINE.churn_models
