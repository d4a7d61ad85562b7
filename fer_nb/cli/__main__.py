from fer_nb.cli import main

main()
