import numpy as np
import pandas as pd
import pytest
