"""Id and final template of each line of standard input, by `drain3` with its defaults; CPU seconds to the error stream."""

import sys
import time

from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig


def main():
    lines = sys.stdin.buffer.read().decode("utf-8", "replace").split("\n")[:-1]
    miner = TemplateMiner(config=TemplateMinerConfig())
    before = time.process_time()
    ids = [miner.add_log_message(line)["cluster_id"] for line in lines]
    took = time.process_time() - before
    templates = {cluster.cluster_id: cluster.get_template() for cluster in miner.drain.clusters}
    sys.stdout.buffer.write("".join(f"{id}\t{templates[id]}\n" for id in ids).encode())
    print(took, file=sys.stderr)


if __name__ == "__main__":
    main()
