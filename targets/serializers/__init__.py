"""Ways to turn answers into JSON and bodies into validated objects, one file each."""
