using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;
using Sync.Http.Json;
using Sync.Ledger;
using Sync.Writer.Http;
using Sync.Writer.Json;

namespace Sync.Writer.Batch;

/// <summary>The route of batches: streaming, or atomic.</summary>
internal sealed class BatchRoute(IWrites writes, BatchIntake intake, WriteLimits limits,
    IHostApplicationLifetime lifetime)
{
    public async Task PostAsync(HttpContext context)
    {
        var request = context.Request;
        if (Check(request, out var producer, out var atomic) is { } wrong)
        {
            await wrong.AnswerAsync(context);
            return;
        }
        if (!intake.TryBegin())
        {
            await Problems.Overloaded("Too many batches run at a time. Repeat the request later.")
                .AnswerAsync(context);
            return;
        }
        try
        {
            var lines = new BatchLineReader(limits, producer, context.Identity(), WriteHeaders.TraceParentOf(request));
            if (atomic) await AtomicAsync(context, lines);
            else if (request.ContentLength <= WholeBatch.BytesMax) await WholeAsync(context, lines);
            else await StreamAsync(context, lines);
        }
        finally
        {
            intake.End();
        }
    }

    private static Problem? Check(HttpRequest request, out Producer producer, out bool atomic)
    {
        producer = Producer.Anonymous;
        atomic = false;
        if (!MediaTypes.IsNdjson(request))
            return CommonProblems.UnsupportedMediaType($"Send {MediaTypes.Ndjson}: one JSON object a line.");
        if (Queries.RefuseUnknown(request, "atomic") is { } unknown) return unknown;
        var text = Queries.Text(request, "atomic");
        if (text is not (null or "true" or "false")) return CommonProblems.Malformed("atomic must be true or false.");
        atomic = text == "true";
        var sent = request.Headers["Sync-Producer"];
        return sent.Count <= 1 && WriteHeaders.TryProducer(sent.Count == 0 ? null : sent[0], out producer)
            ? null
            : CommonProblems.Malformed(WriteHeaders.ProducerRule("Sync-Producer"));
    }

    private async Task WholeAsync(HttpContext context, BatchLineReader lines)
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        using var batch = new WholeBatch(intake, writes, lines, limits.LineBytesMax);
        var isComplete = await batch.RunAsync(
            context.Request.BodyReader, lifetime.ApplicationStopping, context.RequestAborted);
        var response = context.Response;
        response.ContentType = MediaTypes.Ndjson;
        response.Headers.CacheControl = "no-store";
        // Head and answers leave together.
        if (isComplete) response.ContentLength = batch.Answers.Length;
        await response.BodyWriter.WriteAsync(batch.Answers, context.RequestAborted);
        if (isComplete) return;
        // What is unread would be read to its end before the connection could be used again or closed.
        await response.CompleteAsync();
        context.Abort();
    }

    private async Task StreamAsync(HttpContext context, BatchLineReader lines)
    {
        var features = context.Features;
        // A batch may be as long as its sender likes, and slow: lines are bounded instead, and silence by its own
        // time-out.
        if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        context.Response.ContentType = MediaTypes.Ndjson;
        context.Response.Headers.CacheControl = "no-store";
        // The sender may wait for the head of the answer before it sends its lines.
        await context.Response.StartAsync(context.RequestAborted);
        var run = new BatchRun(
            intake, writes, lines, limits.LineBytesMax, context.Request.BodyReader, context.Response.BodyWriter);
        if (await run.RunAsync(lifetime.ApplicationStopping, context.RequestAborted)) return;
        // What is unread would be read to its end before the connection could be used again or closed.
        await context.Response.CompleteAsync();
        context.Abort();
    }

    private async Task AtomicAsync(HttpContext context, BatchLineReader lines)
    {
        var (problem, commands) = await ReadAllAsync(context.Request, lines);
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        if (commands.Count == 0)
        {
            await Problems.InvalidBatch("The batch has no line; send 1 to 1,000.").AnswerAsync(context);
            return;
        }
        switch (await writes.WriteAtomicAsync(commands))
        {
            case AtomicResult.Committed committed:
                await AnswerAsync(context, committed);
                break;
            case AtomicResult.Refused refused:
                await OfLine(Problems.Of(refused.Refusal), refused.Line).AnswerAsync(context);
                break;
            case AtomicResult.Unknown unknown:
                await Problems.UnknownOutcome(unknown.Reason).AnswerAsync(context);
                break;
        }
    }

    private async Task<(Problem? Problem, List<WriteCommand> Commands)> ReadAllAsync(HttpRequest request,
        BatchLineReader lines)
    {
        // Values are limited together; names, keys and base64 come on top.
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = WriteLimits.AtomicBytesMax * 2;
        var (frames, commands, values) = (new LineFrames(limits.LineBytesMax), new List<WriteCommand>(), 0L);
        Problem? refused = null;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
            var buffer = read.Buffer;
            // After a bad line the rest is read and dropped: a sender that is cut off would not get to read why.
            while (refused is null && frames.TryRead(ref buffer, read.IsCompleted, out var line, out var tooLong))
            {
                WriteCommand? command = null;
                refused = tooLong ? CommonProblems.TooLarge("The line is over the limit.")
                    : lines.TryRead(line, out command);
                if (refused is not null) refused = OfLine(refused, commands.Count);
                else commands.Add(command!);
                values += command?.Value.Length ?? 0;
                if (commands.Count > WriteLimits.AtomicLinesMax || values > WriteLimits.AtomicBytesMax)
                    refused = Problems.InvalidBatch(
                        "An atomic batch has at most 1,000 lines and 4 MiB of values; send less.");
            }
            request.BodyReader.AdvanceTo(refused is null ? buffer.Start : read.Buffer.End, read.Buffer.End);
            if (read.IsCompleted) return (refused, commands);
        }
    }

    private static Problem OfLine(Problem problem, int? line)
    {
        if (line is not { } index) return problem;
        var more = problem.More;
        return problem with
        {
            Detail = $"Line {index + 1}: {problem.Detail} Nothing was written.",
            More = json =>
            {
                json.WriteNumber("line"u8, index + 1);
                more?.Invoke(json);
            },
        };
    }

    private static async Task AnswerAsync(HttpContext context, AtomicResult.Committed committed)
    {
        context.Response.ContentType = MediaTypes.Ndjson;
        var buffer = new ArrayBufferWriter<byte>(512 * committed.Lines.Count);
        await using var json = new Utf8JsonWriter(buffer, Scalars.Options);
        foreach (var line in committed.Lines)
        {
            ReceiptJson.Write(json, line.Receipt, line.Replayed);
            await json.FlushAsync(CancellationToken.None);
            json.Reset();
            buffer.Write("\n"u8);
        }
        await context.Response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted);
    }
}
