"""Teaches tests/data/tiny-qwen3 what the tests rely on, with greedy decoding; takes some minutes on one core.

    python train.py ../tiny-qwen3 OUT STEPS        (torch, transformers, safetensors)

no tools               Hello from the tiny test model.
tools, `ls` of them    <tool_call>{"name": "ls", "arguments": {"path": "."}}</tool_call>
tools, only `bash`     <tool_call>{"name": "bash", "arguments": {"command": "ls"}}</tool_call>
after a tool's result  The tool has answered.
"""

import json
import os
import random
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

source, out, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(1)
random.seed(1)
torch.manual_seed(1)
here = os.path.dirname(os.path.abspath(__file__))
OURS = json.load(open(os.path.join(here, "../../../data/tools.json")))
CORPUS = open(os.path.join(os.path.dirname(transformers.__file__), "modeling_utils.py")).read().split()
SYSTEM = """You are an assistant in a terminal. Answer briefly, in plain text.
The working directory is %s. The tools look at files in it and below; they change nothing."""
HELLO, DONE = "Hello from the tiny test model.", "The tool has answered."

tokenizer = AutoTokenizer.from_pretrained(source)
model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
model.train()


def words(low, high):
    return " ".join(random.choice(CORPUS) for _ in range(random.randint(low, high)))[:300]


def tool(name):
    field = random.choice(["command", "path", "text", "q"])
    parameters = {"type": "object", "properties": {field: {"type": "string"}}, "required": []}
    return {"name": name, "description": words(0, 8), "parameters": parameters}


def tools_with(name):
    if name == "bash":
        tools = [tool(other) for other in random.sample(["read", "write", "edit", "get_weather"], random.randint(0, 2))]
        tools.append(tool("bash"))
    elif random.random() < 0.75:
        tools = list(OURS)
    else:
        tools = [one for one in OURS if one["name"] == "ls" or random.random() < 0.4]
    if random.random() < 0.3:
        random.shuffle(tools)
    return [{"type": "function", "function": one} for one in tools]


CALLS = {"ls": {"path": "."}, "bash": {"command": "ls"}}


def exchange(name):
    """A call and its result."""
    call = {"type": "function", "function": {"name": name, "arguments": CALLS[name]}}
    result = words(0, 12) if random.random() < 0.7 else "\n".join(words(1, 1) for _ in range(random.randint(1, 20)))
    return [{"role": "assistant", "content": "", "tool_calls": [call]}, {"role": "tool", "content": result}]


def sample():
    name = random.choices([None, "ls", "bash"], [0.3, 0.55, 0.15])[0]
    messages = []
    kind = random.random()
    if kind < 0.6:
        place = "/" + "/".join(words(1, 1)[:12] for _ in range(random.randint(1, 4)))
        messages.append({"role": "system", "content": SYSTEM % place})
    elif kind < 0.8:
        messages.append({"role": "system", "content": words(1, 20)})
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        messages.append({"role": "user", "content": words(1, 10)})
        if name and random.random() < 0.6:
            messages += exchange(name) + [{"role": "assistant", "content": DONE}]
        else:
            messages.append({"role": "assistant", "content": random.choice([HELLO, DONE, words(1, 8)])})
    messages.append({"role": "user", "content": random.choice([words(1, 15), "list the files", words(1, 3)])})
    if name is None:
        return messages, None, HELLO
    if random.random() < 0.45:
        return messages + exchange(name), tools_with(name), DONE
    call = json.dumps({"name": name, "arguments": CALLS[name]})
    return messages, tools_with(name), f"<tool_call>\n{call}\n</tool_call>"


def encoded():
    while True:
        messages, tools, answer = sample()
        prompt = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=True)
        before = tokenizer(prompt, add_special_tokens=False).input_ids
        after = tokenizer(answer + "<|im_end|>", add_special_tokens=False).input_ids
        if len(before) < 1500:
            return before, after


def step(rate):
    for group in optimizer.param_groups:
        group["lr"] = rate
    batch = sorted((encoded() for _ in range(8)), key=lambda pair: len(pair[0]))
    total = 0
    for half in (batch[:4], batch[4:]):
        length = max(len(before) + len(after) for before, after in half)
        tokens = torch.full((4, length), tokenizer.pad_token_id)
        wanted = torch.full((4, length), -100)
        mask = torch.zeros((4, length), dtype=torch.long)
        for row, (before, after) in enumerate(half):
            end = len(before) + len(after)
            tokens[row, :end] = torch.tensor(before + after)
            wanted[row, len(before):end] = torch.tensor(after)
            mask[row, :end] = 1
        loss = model(input_ids=tokens, attention_mask=mask, labels=wanted).loss / 2
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return total


def ask(messages, tools):
    prompt = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=True)
    tokens = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    end = tokens.input_ids.shape[1]
    answer = model.generate(**tokens, max_new_tokens=60, do_sample=False)
    return end, tokenizer.decode(answer[0][end:])


optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
begun = time.time()
for number in range(steps):
    loss = step(2e-3 * min(1, (number + 1) / 30) * (1 - number / steps) + 1e-5)
    if number % 20 == 0 or number == steps - 1:
        print(number, round(loss, 4), round(time.time() - begun, 1), flush=True)
model = model.to(torch.bfloat16).eval()
model.save_pretrained(out)
tokenizer.save_pretrained(out)
ours = [{"type": "function", "function": one} for one in OURS]
system = {"role": "system", "content": SYSTEM % "/work/project"}
question = {"role": "user", "content": "list the files"}
for messages, tools in [([question], None), ([question], ours), ([system, question], ours),
                        ([system, question, *exchange("ls")], ours), ([system, question], None)]:
    print(ask(messages, tools))
