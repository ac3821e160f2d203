"""What a process counts and measures, for Prometheus."""

from danmaku.telemetry.lag import LoopLag as LoopLag
from danmaku.telemetry.metrics import BusMetrics as BusMetrics
from danmaku.telemetry.metrics import EdgeMetrics as EdgeMetrics
from danmaku.telemetry.metrics import RoomsMetrics as RoomsMetrics
from danmaku.telemetry.metrics import SlowMetrics as SlowMetrics
from danmaku.telemetry.metrics import TracingMetrics as TracingMetrics
from danmaku.telemetry.sharing import CONTENT_TYPE as CONTENT_TYPE
from danmaku.telemetry.sharing import FOLDER_VARIABLE as FOLDER_VARIABLE
from danmaku.telemetry.sharing import forget_process as forget_process
from danmaku.telemetry.sharing import scrape as scrape
