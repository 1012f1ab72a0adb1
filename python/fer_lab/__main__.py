"""``python -m fer_lab``"""

from fer_lab._program import main

main()
