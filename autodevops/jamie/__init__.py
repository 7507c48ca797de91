"""Jamie: answers people's questions with live data, and says what each answer rests on."""
