/** What the reference of the HTTP API says between its tables, in both languages. `{{name}}` alone on a line is a table. */
import type { Language } from '@tunan/protocol';

interface Prose {
  readonly requestHead: readonly string[];
  readonly answerHead: readonly string[];
  readonly errorHead: readonly string[];
  readonly page: string;
}

const EN = `
# HTTP API

What \`tunan serve --model DIR\` answers. Generated from the schemas of the server: \`npm run docs\`. [中文](zh/http-api.md)

The server has a model, which continues texts. Its API is OpenAI's for completions: any OpenAI client works with the base URL
\`http://127.0.0.1:8000/v1\` and any key. Conversations go through the chat template of the model directory (\`chat_template.jinja\`, or \`chat_template\` in
\`tokenizer_config.json\`); a base model without one gets a plain form, see below.

\`\`\`
curl http://127.0.0.1:8000/v1/completions -H 'Content-Type: application/json' -d '{"prompt": "静夜思\\n", "begin_document": true}'
\`\`\`

\`\`\`python
from openai import OpenAI
client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none")
print(client.completions.create(model="model", prompt="春江", max_tokens=32, extra_body={"min_p": 0.05}).choices[0].text)
\`\`\`

LangChain: \`OpenAI\`, for conversations \`ChatOpenAI\`. AI SDK: \`completionModel\`, \`chatModel\`. lm-evaluation-harness: \`--model local-completions\` with \`base_url=…/v1/completions\`
and \`tokenizer=DIR\`; its scores are those of \`--model hf\`.

| address | answer |
| --- | --- |
| \`POST /v1/completions\` | texts, whole or as server-sent events |
| \`POST /v1/chat/completions\` | answers in a conversation, likewise |
| \`POST /v1/responses\` | the same conversation in OpenAI's newer form |
| \`POST /v1/embeddings\` | vectors of texts |
| \`/v1/files\`, \`/v1/batches\` | many requests from a file, answered when there is room |
| \`/v1/apps\` | applications: the gallery, own copies, runs ([applications](applications.md#over-http)) |
| \`POST /v1/moderations\` | what a classifier says of texts, where there is one |
| \`GET /v1/interface/api/infer/getRequestId\`, \`GET /v1/interface/api/result\` | Yuan 1.0's own protocol |
| \`GET /v1/models\`, \`GET /v1/models/{id}\` | the served models, loaded or not, and their contexts |
| \`GET /healthz\` | \`{"status": "ok", "running": …, "waiting": …, "models": [{"id": …, "engine": "torch", "device": "cpu", "state": "loaded", "running": …, "waiting": …}]}\`; of a model that other servers run \`"workers": {"up": …, "down": …, "draining": …}\` |
| \`GET /openapi.json\` | this server's routes as OpenAPI 3.1, made of the schemas by which it checks; in the language of Accept-Language |
| \`GET /readyz\` | 200 when a request would be answered now, else 503 with what is missing: \`models\`, \`accounts\` (their database), \`closing\` |
| \`GET /metrics\` | counters for Prometheus: requests, tokens of prompts and of answers, \`tunan_cached_prompt_tokens_total\` (tokens of prompts that the prefix cache had), time of requests, to the first token and for each token after it (histograms), refusals by their code, load, memory of the prefix cache; of each model (\`tunan_model_…{model="…"}\`) requests, tokens, sequences, loads, and its workers |
| \`GET /admin/workers\`, \`POST /admin/workers\`, \`POST /admin/workers/drain\` | the servers behind, for whoever operates this one: [serving](serving.md#workers-come-and-go) |
| \`GET /\` | a page to try the model |

## Request: POST /v1/completions

The body is a JSON object in UTF-8, with or without a byte order mark; other encodings are refused. \`null\` is the same as an absent field.

{{request}}

A field that is not in this table is ignored, and so is one of \`stream_options\`: the header \`x-ignored-fields\` of the answer names them. A wrong value of a
field that is in the table is refused with status 400, and the message names every field at fault.

## Answer

{{answer}}

As a stream (\`"stream": true\`) the same object comes in parts, each behind \`data: \`, with the new text and the tokens that it ends; the last line is
\`data: [DONE]\`. What goes wrong in the middle of a stream comes as \`data: {"error": …}\` without \`[DONE]\`.

Every token that \`usage\` counts has its entry in \`logprobs\`, the final \`<eod>\` too. Exceptions: the token that \`begin_document\` or an empty prompt puts
in front has none, and tokens of a cut stop string have none; without \`echo\` there are none of the prompt.

The order of sampling: logit_bias, repetition_penalty, Yuan's penalties, OpenAI's penalties, min_tokens and ignore_eos, the constraint, noRepeatNgramSize; then temperature, min_p, top_k, typical_p, top_p. Log-probabilities are
those of the model before all of these. Constraints, which JSON schemas are honoured, and names that other servers have for a field: [generation](generation.md).

Headers of every answer: \`x-request-id\` (say it when you ask the operator); of status 503 \`retry-after\`, seconds, an estimate from how long answers take and how
many callers wait already.

Where accounts are on ([accounts](accounts.md)) every request has a key, \`Authorization: Bearer KEY\`, and its answer tells what is left of the limits: \`x-ratelimit-limit-requests\`, \`-remaining-requests\`, \`-reset-requests\` and the same with
\`tokens\`, as OpenAI writes them; of status 429 \`retry-after\`.

## Request: POST /v1/chat/completions

{{chatRequest}}

The messages are put into the chat template of the model, and its answer is generated behind them. A special token that stands in a message is encoded as the characters it
consists of. A base model has no template: its prompt is the beginning of a document, \`SYSTEM\`, an empty line, then a line \`用户：…\` or \`助手：…\` for each message, and \`助手：\` at the end; the answer
ends where the model goes on with \`用户：\` in a new line, and the header \`x-chat-template: plain\` says that it was so. Such a model has not learnt to answer: give it examples as messages before the
question. A message may contain what looks like a turn. Tools and pictures are not there: their fields are ignored, and named in \`x-ignored-fields\`.

{{chatAnswer}}

As a stream the object is a \`chat.completion.chunk\` whose choices have \`delta\` in place of \`message\`: the role in the first part of each answer, the new text in \`content\`.

## Request: POST /v1/responses

{{responses}}

OpenAI's newer form of a conversation, as far as its clients need it for texts: one message out, \`output_text\` of the clients, by the same template as chat. As a stream the events are named, from
\`response.created\` over \`response.output_text.delta\` to \`response.completed\` (or \`response.incomplete\` where the answer was cut). \`conversation\` and \`background\` are refused; tools are
ignored, and named in \`x-ignored-fields\`.

A response is kept unless \`store\` is false: for an hour in the memory of the server (of more than 32 Mi characters the oldest go), or for 30 days in its folder where \`tunan serve --data DIR\` names one
(\`--response-days N\`; 0 keeps none anywhere, and the answer says \`"store": false\`). \`previous_response_id\` goes on from one, and an item \`{"type": "item_reference", "id": "msg_…"}\` stands for one of
its messages; what is not there, or not any more, is 400 \`previous_response_not_found\`. A kept response has the whole conversation before it, as the model saw it (masks of [safety](safety.md) included), so
that earlier ones may be deleted. Each belongs to the organisation of its key; where there are no accounts, to all callers, and its random id is what keeps it from others.

| address | answer |
| --- | --- |
| \`GET /v1/responses/{id}\` | the response as it was given |
| \`GET /v1/responses/{id}/input_items?limit=20&order=desc&after=\` | the conversation to which it is the answer |
| \`DELETE /v1/responses/{id}\` | \`{"id": …, "object": "response", "deleted": true}\` |

## Request: POST /v1/embeddings

{{embeddings}}

{{embeddingsAnswer}}

A vector is what the last layer ends with, averaged over the tokens of the input and brought to length 1; it comes from models that libtorch or llama.cpp runs on this machine (the same vectors, to the precision of weights and cache;
a GGUF whose \`pooling_type\` says \`CLS\` or \`LAST\` is pooled so in place of the average), and from servers behind that have embeddings. No tokens are put around an input. Under llama.cpp a context of its own takes the memory of one more sequence
from the first request on. A base model has not learnt to embed: its vectors tell topics apart and little more.

## Files and batches

They are there where \`tunan serve --data DIR\` gives them a folder. \`POST /v1/files\` takes a form (\`multipart/form-data\`) with \`purpose\` \`batch\` and \`file\`: JSON lines, each
\`{"custom_id": "…", "method": "POST", "url": "/v1/completions", "body": {…}}\`, with a body as the route takes it; 64 MiB and 10 000 lines at most. \`GET /v1/files\`, \`GET /v1/files/{id}\`,
\`GET /v1/files/{id}/content\` and \`DELETE /v1/files/{id}\` do what they say. \`POST /v1/batches\` begins:

{{batches}}

{{batchAnswer}}

Batches run one after another, four requests at a time, and only while nobody else waits. Their requests are held to the scopes, limits and rules of the key that began them, and end with it; a busy server and
a limit of a minute are waited for. \`POST /v1/batches/{id}/cancel\` keeps what is answered so far. A server that was stopped or killed goes on where it was: what is answered is not asked again.
Callers see what belongs to their own organisation. One server holds a folder.

## Request: POST /v1/moderations

{{moderations}}

{{moderationsAnswer}}

It is there where \`tunan serve --moderation DIR\` names a classifier (\`tunan corpus train-quality\`). Its labels that have a threshold are the categories, whatever they are called: OpenAI's categories
are not promised. A long text is judged piece by piece, each half over the one before. What the server itself does about texts is said by \`--safety\`.

## Yuan 1.0's own protocol

A client that was written for the open API of Yuan 1.0 runs unchanged but for the host. It asks with \`GET /v1/interface/api/infer/getRequestId\`:

{{yuanSubmit}}

and then asks \`GET /v1/interface/api/result\` until the text is there:

{{yuanResult}}

Every reply has status 200 and this form:

{{yuanReply}}

\`tunan serve --yuan-engine base_10B=NAME\` says which model an engine is; of others the model of that name, or the only one, answers. The header \`token\` is the md5 in hexadecimal digits
of account, telephone number and the day in Shanghai (YYYY-MM-DD), one behind the other. Where everyone may call it is not looked at. Where keys or accounts are on, nobody may call in this way until the
operator says whose numbers count: \`--yuan-accounts FILE\`, a JSON file \`[{"account": "…", "phone": "…"}]\`, or \`--yuan-accounts stored\`, e-mail addresses and telephone numbers of
\`--accounts\`; where accounts are on, those of the file must be e-mail addresses of accounts too. A telephone number is a poor secret: in a file it may be any text that is hard to guess, and 30 wrong
tokens from one address close it for ten minutes. Results are kept by the process for ten minutes, the last 4 096 of them. \`errCode\` is \`IBASE_TOKEN_ERROR\` as with the original; its other
codes are not known, ours are \`IBASE_PARAM_ERROR\`, \`IBASE_REQUEST_NOT_FOUND\`, \`IBASE_LIMIT_ERROR\`, \`IBASE_BUSY\` and \`IBASE_SYSTEM_ERROR\`; \`exceptionMsg\` says more. The address may have
96 KiB, about 10 000 Chinese characters.

## Models

{{model}}

## Errors

{{error}}

{{errors}}

A body that is too large is read on for a while before the answer, so that clients get to hear 413.

## For operators

\`tunan serve --help\` lists the options. API keys: \`TUNAN_API_KEY=key1,key2\` (or \`--api-key\`); callers of \`/v1\` then send \`Authorization: Bearer KEY\`, while the page,
\`/healthz\` and \`/metrics\` stay open. Pages of other origins: \`--cors-origin https://example.org\` (or \`*\`). \`--batch-size\`, \`--queue-size\`, \`--wait-seconds\`,
\`--body-limit\` and \`--drain-seconds\` bound the load; \`--log-requests\` writes one JSON line for each request to standard error, without prompts and answers.

What requests have in common at their beginning is computed once: an application's examples, the conversation so far, the prompt of several choices. It is kept as long as there is room, exact, and
told as \`cached_tokens\`. Put what is always the same first, and what changes last. Of a prompt whose log-probabilities are asked for, a beginning is taken over as far as an earlier one was asked for its own, with as many alternatives; a prefix language model shares the same prompt only.

Several models are served with \`--model NAME=DIR\` for each; a request then names one of them. In place of a directory stands the address of another
OpenAI-compatible server that runs the model, such as \`--model big=http://127.0.0.1:8001/v1\` (of several models there, \`…/v1#id\`): requests are passed on to it and
answers passed back as they come, and a client that leaves frees its place there. Several such servers may run one model. Extensions that none of them is known to honour are
refused, not dropped. Loading on request, memory, workers, time-outs and what each error means: [serving](serving.md).
`;

const ZH = `
# HTTP API

\`tunan serve --model DIR\` 提供的接口。由服务器自身的模式生成：\`npm run docs\`。[English](../http-api.md)

服务的是一个模型，它续写文本。接口即 OpenAI 的 completions：任何 OpenAI 客户端，把 base URL 设为 \`http://127.0.0.1:8000/v1\`、密钥任填即可使用。
对话使用模型目录中的对话模板（\`chat_template.jinja\`，或 \`tokenizer_config.json\` 中的 \`chat_template\`）；没有模板的基座模型用一种朴素格式，见下文。

\`\`\`
curl http://127.0.0.1:8000/v1/completions -H 'Content-Type: application/json' -d '{"prompt": "静夜思\\n", "begin_document": true}'
\`\`\`

\`\`\`python
from openai import OpenAI
client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none")
print(client.completions.create(model="model", prompt="春江", max_tokens=32, extra_body={"min_p": 0.05}).choices[0].text)
\`\`\`

LangChain 用 \`OpenAI\`，对话用 \`ChatOpenAI\`。AI SDK 用 \`completionModel\`、\`chatModel\`。lm-evaluation-harness 用 \`--model local-completions\`，设 \`base_url=…/v1/completions\` 与
\`tokenizer=DIR\`；得分与 \`--model hf\` 相同。

| 地址 | 应答 |
| --- | --- |
| \`POST /v1/completions\` | 文本，一次给出或以服务器推送事件逐段给出 |
| \`POST /v1/chat/completions\` | 对话中的回答，给出方式同上 |
| \`POST /v1/responses\` | 同样的对话，OpenAI 较新的形式 |
| \`POST /v1/embeddings\` | 文本的向量 |
| \`/v1/files\`、\`/v1/batches\` | 文件中的许多请求，有余力时应答 |
| \`/v1/apps\` | 应用：应用库、自有副本、运行（[应用](applications.md#http-接口)） |
| \`POST /v1/moderations\` | 分类器对文本的判断，须有分类器 |
| \`GET /v1/interface/api/infer/getRequestId\`、\`GET /v1/interface/api/result\` | 源 1.0 的原协议 |
| \`GET /v1/models\`、\`GET /v1/models/{id}\` | 所服务的各个模型（不论是否已载入）及其上下文长度 |
| \`GET /healthz\` | \`{"status": "ok", "running": …, "waiting": …, "models": [{"id": …, "engine": "torch", "device": "cpu", "state": "loaded", "running": …, "waiting": …}]}\`；由其他服务运行的模型另有 \`"workers": {"up": …, "down": …, "draining": …}\` |
| \`GET /openapi.json\` | 本服务器各路由的 OpenAPI 3.1 文档，由其检查所用的模式生成；语言随 Accept-Language |
| \`GET /readyz\` | 此刻能应答请求时为 200，否则为 503 并指明缺什么：\`models\`、\`accounts\`（账户数据库）、\`closing\`（正在关闭） |
| \`GET /metrics\` | 供 Prometheus 读取的计数：请求、提示与回答的词元、\`tunan_cached_prompt_tokens_total\`（前缀缓存中已有的提示词元）、请求用时、首词元用时与其后每词元用时（直方图）、按代码分的拒绝次数、负载、前缀缓存所占内存；各模型（\`tunan_model_…{model="…"}\`）的请求、词元、序列、载入次数及其上游服务 |
| \`GET /admin/workers\`、\`POST /admin/workers\`、\`POST /admin/workers/drain\` | 上游服务，供运营者使用：见[服务](serving.md#工作服务的增减) |
| \`GET /\` | 试用模型的网页 |

## 请求：POST /v1/completions

请求体是 UTF-8 编码的 JSON 对象，带不带字节顺序标记均可；其他编码一律拒绝。\`null\` 等同于省略该字段。

{{request}}

表中没有的字段（包括 \`stream_options\` 里的）会被忽略，应答头 \`x-ignored-fields\` 列出它们。表中字段的值有误时返回 400，消息列出每个有误的字段。

## 应答

{{answer}}

流式（\`"stream": true\`）时，同样的对象分段给出，每段前有 \`data: \`，含新的文本与其中结束的词元；最后一行是 \`data: [DONE]\`。
流式途中出错时，给出 \`data: {"error": …}\`，不再有 \`[DONE]\`。

\`usage\` 计入的每个词元，在 \`logprobs\` 中都有一项，结尾的 \`<eod>\` 也有。例外：\`begin_document\` 或空提示在前面加的词元没有，被截去的停止文本的词元没有；
不设 \`echo\` 时没有提示的词元。

抽样的次序：logit_bias、repetition_penalty、源的惩罚、OpenAI 的惩罚、min_tokens 与 ignore_eos、约束、noRepeatNgramSize；然后是温度、min_p、top_k、typical_p、top_p。对数概率是这一切之前模型自身的。约束、所支持的 JSON 模式，以及字段在其他服务中的名字：[生成](generation.md)。

每个应答的头：\`x-request-id\`（向运维者询问时请附上）；503 时有 \`retry-after\`，单位秒，由回答所需的时间与已在等待的请求估计。

启用账户时（[账户](accounts.md)），每个请求都须带密钥 \`Authorization: Bearer KEY\`，应答会告知限额的余量：\`x-ratelimit-limit-requests\`、\`-remaining-requests\`、\`-reset-requests\`，以及相应的 \`tokens\`，
写法与 OpenAI 相同；429 时有 \`retry-after\`。

## 请求：POST /v1/chat/completions

{{chatRequest}}

各条消息填入模型的对话模板，回答接在其后生成。消息中写出的特殊词元按普通字符编码。基座模型没有模板：其提示从文档开头写起，先是 \`SYSTEM\` 与空行，然后每条消息一行 \`用户：…\` 或 \`助手：…\`，末尾是 \`助手：\`；模型另起一行写出 \`用户：\` 时回答结束，应答头 \`x-chat-template: plain\` 说明用了此格式。这样的模型没有学过作答：请在问题之前以消息给出示例。消息里可能含有形似一轮对话的文本。没有工具与图片：相应字段会被忽略，并列在 \`x-ignored-fields\` 中。

{{chatAnswer}}

流式时，对象为 \`chat.completion.chunk\`，其结果中以 \`delta\` 代替 \`message\`：每个回答的第一段给出角色，新的文本在 \`content\` 中。

## 请求：POST /v1/responses

{{responses}}

OpenAI 较新的对话形式，范围限于其客户端收发文本之所需：给出一条消息（客户端的 \`output_text\`），所用模板与对话接口相同。流式时事件具名，从 \`response.created\`、\`response.output_text.delta\` 到
\`response.completed\`（回答被截断时为 \`response.incomplete\`）。\`conversation\` 与 \`background\` 会被拒绝；工具会被忽略，并列在 \`x-ignored-fields\` 中。

除非 \`store\` 为 false，应答会被保存：在服务器内存中保留一小时（合计超过 32 Mi 字符时先忘掉最早的）；若以 \`tunan serve --data DIR\` 给出目录，则在其中保留 30 天
（\`--response-days N\`；0 表示一概不保存，应答中即为 \`"store": false\`）。\`previous_response_id\` 接续某个应答，条目 \`{"type": "item_reference", "id": "msg_…"}\` 代表其中一条消息；
不存在或已不再保存时返回 400 \`previous_response_not_found\`。所存应答含有此前的完整对话，且与模型所见一致（包括[内容安全](safety.md)的遮盖），因此可以删除更早的应答。
应答归其密钥所属机构所有；没有账户时归所有调用者，只靠随机编号不为他人所知。

| 地址 | 应答 |
| --- | --- |
| \`GET /v1/responses/{id}\` | 当时给出的应答 |
| \`GET /v1/responses/{id}/input_items?limit=20&order=desc&after=\` | 它所回答的对话 |
| \`DELETE /v1/responses/{id}\` | \`{"id": …, "object": "response", "deleted": true}\` |

## 请求：POST /v1/embeddings

{{embeddings}}

{{embeddingsAnswer}}

向量是最后一层的状态在输入各词元上的平均，并归一为长度 1；由本机 libtorch 或 llama.cpp 运行的模型（在权重与缓存的精度之内向量相同；GGUF 的 \`pooling_type\` 为 \`CLS\` 或 \`LAST\` 时以其代替平均），以及提供向量的上游服务给出。输入前后不加词元。llama.cpp 从首个请求起另占一条序列的内存。基座模型没有学过向量表示：其向量只能大致区分主题。

## 文件与批处理

用 \`tunan serve --data DIR\` 给出存放目录后提供。\`POST /v1/files\` 接受表单（\`multipart/form-data\`），\`purpose\` 为 \`batch\`，\`file\` 为 JSON 行，每行
\`{"custom_id": "…", "method": "POST", "url": "/v1/completions", "body": {…}}\`，body 与该路由的请求体相同；至多 64 MiB、10 000 行。另有 \`GET /v1/files\`、\`GET /v1/files/{id}\`、
\`GET /v1/files/{id}/content\` 与 \`DELETE /v1/files/{id}\`。用 \`POST /v1/batches\` 开始：

{{batches}}

{{batchAnswer}}

批处理逐个运行，一次四个请求，且只在无人等待时进行。其请求受发起密钥的范围、限额与内容规则约束，密钥失效则随之结束；服务器繁忙或达到每分钟限额时会等待。\`POST /v1/batches/{id}/cancel\` 保留已有的应答。
服务器停止或被终止后，从原处继续：已应答的不会再问。调用者只能看到本机构的文件与批处理。一个目录由一个服务独占。

## 请求：POST /v1/moderations

{{moderations}}

{{moderationsAnswer}}

用 \`tunan serve --moderation DIR\` 给出分类器（\`tunan corpus train-quality\`）后提供。类别就是分类器中带阈值的标签，与 OpenAI 的类别无关。长文本逐段判断，相邻两段重叠一半。服务器自身如何处理文本由 \`--safety\` 规定。

## 源 1.0 的原协议

为源 1.0 开放 API 编写的客户端，只需更换主机地址即可运行。先用 \`GET /v1/interface/api/infer/getRequestId\` 提交：

{{yuanSubmit}}

再反复请求 \`GET /v1/interface/api/result\`，直到文本生成：

{{yuanResult}}

所有应答的状态码都是 200，形式如下：

{{yuanReply}}

\`tunan serve --yuan-engine base_10B=NAME\` 指明某引擎是哪个模型；其余引擎取同名模型，或唯一的模型。请求头 \`token\` 是账户、电话号码与上海时区日期（YYYY-MM-DD）依次相接后的 md5（十六进制）。
任人可用的服务器不查验它。启用密钥或账户后，须由运营者指明谁可用此方式调用：\`--yuan-accounts FILE\`（形如 \`[{"account": "…", "phone": "…"}]\` 的 JSON 文件），或 \`--yuan-accounts stored\`
（\`--accounts\` 中的邮箱与电话号码）；启用账户时，文件中的账户也须是已有账户的邮箱。电话号码不是好的秘密：文件中可以写任何难猜的文本；同一来源 30 次 token 错误后停用十分钟。
结果由本进程保留十分钟，至多最近 4 096 个。\`errCode\` 中 \`IBASE_TOKEN_ERROR\` 与原接口相同；原接口的其他错误码不详，这里用 \`IBASE_PARAM_ERROR\`、\`IBASE_REQUEST_NOT_FOUND\`、
\`IBASE_LIMIT_ERROR\`、\`IBASE_BUSY\`、\`IBASE_SYSTEM_ERROR\`；\`exceptionMsg\` 给出详情。地址至多 96 KiB，约一万个汉字。

## 模型

{{model}}

## 错误

{{error}}

{{errors}}

请求体过大时，服务器会先读一段时间再应答，好让客户端收到 413。

## 运维

选项见 \`tunan serve --help\`。API 密钥：\`TUNAN_API_KEY=key1,key2\`（或 \`--api-key\`）；此后调用 \`/v1\` 须发送 \`Authorization: Bearer KEY\`，网页、\`/healthz\` 与 \`/metrics\` 仍然开放。
允许其他来源的网页调用：\`--cors-origin https://example.org\`（或 \`*\`）。\`--batch-size\`、\`--queue-size\`、\`--wait-seconds\`、\`--body-limit\` 与 \`--drain-seconds\` 限制负载；
\`--log-requests\` 为每个请求在标准错误输出一行 JSON，不含提示与回答。

各请求开头相同的部分只计算一次：应用的示例、至此的对话、多个结果的同一提示。只要有空间就保留，结果精确，并以 \`cached_tokens\` 报告。请把不变的放在前面，变化的放在后面。
要求给出提示的对数概率时，先前同样要求过、且备选词元不少于此的相同开头不再计算；前缀语言模型只在整条提示相同时共用。

同时服务几个模型时，为每个写 \`--model NAME=DIR\`，请求须指明其一。目录处也可写另一 OpenAI 兼容服务的地址，由它运行模型，例如 \`--model big=http://127.0.0.1:8001/v1\`
（那里有几个模型时写 \`…/v1#id\`）：请求转给它，回答随到随回，客户端离开即释放它那里的位置。一个模型可由几个这样的服务运行。它们都不支持的扩展字段会被拒绝，而不会悄悄略去。
按需载入、内存、上游服务、时限与各种错误的含义，见[部署](serving.md)。
`;

export const HTTP_API_PROSE: Readonly<Record<Language, Prose>> = {
  en: {
    requestHead: ['field', 'value', 'default', 'meaning'],
    answerHead: ['field', 'value', 'meaning'],
    errorHead: ['status', '`error.code`', 'when'],
    page: EN,
  },
  zh: {
    requestHead: ['字段', '取值', '默认', '含义'],
    answerHead: ['字段', '取值', '含义'],
    errorHead: ['状态', '`error.code`', '何时'],
    page: ZH,
  },
};
