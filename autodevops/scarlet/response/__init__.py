"""What Scarlet does about what she notices: one incident a cause, one state machine an incident."""
