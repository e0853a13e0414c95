"""SageMaker in a customer's account: AutoML jobs, and endpoints with what belongs to them."""
