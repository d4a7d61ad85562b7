"""Training: `compact` for what ships, `finetune` for other networks, `common` for both."""
