using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Json;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Writer.Engine;
using Sync.Writer.Json;

namespace Sync.Writer.Http;

/// <summary>One record: put, delete, get.</summary>
internal sealed class RecordRoutes(IWrites writes, WriterEngine engine, WriteLimits limits)
{
    public async Task PutAsync(HttpContext context)
    {
        var request = context.Request;
        if (Begin(context, out var answer, out var headers) is { } refused)
        {
            await refused.AnswerAsync(context);
            return;
        }
        if (MediaTypes.TryContent(request, out var form) is { } unsupported)
        {
            await unsupported.AnswerAsync(context);
            return;
        }
        var (wrong, value) = await limits.ReadBodyAsync(request, form);
        if (wrong is not null) await wrong.AnswerAsync(context);
        else await WriteAsync(context, RecordTarget.Of(context).SyncedKey, ChangeOp.Put, value, headers, answer);
    }

    public async Task DeleteAsync(HttpContext context)
    {
        if (Begin(context, out var answer, out var headers) is { } refused) await refused.AnswerAsync(context);
        else
            await WriteAsync(
                context, RecordTarget.Of(context).SyncedKey, ChangeOp.Delete, WriteLimits.Nil, headers, answer);
    }

    /// <summary>An event: <c>?key=</c> names it, or it gets its fact's id as its key.</summary>
    public async Task AppendAsync(HttpContext context)
    {
        var request = context.Request;
        var (target, key) = (RecordTarget.Of(context), Queries.Text(request, "key") ?? "");
        var named = new SyncedKey(target.Vault, target.Collection, key);
        var problem = MediaTypes.TryAccept(request, out var answer);
        problem ??= Queries.RefuseUnknown(request, "key");
        if (request.Query.ContainsKey("key") && Names.CheckKey(key) is { } wrongKey)
            problem ??= RecordProblems.InvalidName("key: " + wrongKey);
        problem ??= Problems.Reserved(named);
        var headers = default(WriteHeaders);
        problem ??= WriteHeaders.TryReadAppend(request, out headers);
        var form = BodyForm.Json;
        problem ??= MediaTypes.TryContent(request, out form);
        byte[] value = [];
        if (problem is null) (problem, value) = await limits.ReadBodyAsync(request, form);
        if (problem is not null) await problem.AnswerAsync(context);
        else await WriteAsync(context, named, ChangeOp.Append, value, headers, answer);
    }

    public async Task GetAsync(HttpContext context)
    {
        var request = context.Request;
        var problem = MediaTypes.TryAccept(request, out var form);
        problem ??= Queries.RefuseUnknown(request, "as_of", "sequence");
        AsOf asOf = default;
        problem ??= TryAsOf(request, out asOf);
        if (problem is not null)
        {
            await problem.AnswerAsync(context);
            return;
        }
        var key = RecordTarget.Of(context).SyncedKey;
        var fact = await engine.Store.GetAsync(key, asOf, context.RequestAborted);
        if (fact is null)
        {
            await RecordProblems.NotFound("The key had no fact then. Put it, or ask for another moment.")
                .AnswerAsync(context);
            return;
        }
        context.Response.Headers.ETag = EntityTags.Of(fact.Sequence);
        if (fact.Op == ChangeOp.Delete)
            await RecordProblems.NotFound(
                $"The record was deleted by sequence {fact.Sequence}; ?sequence= reads what was there before.")
                .AnswerAsync(context);
        else if (EntityTags.IsKnown(request, fact.Sequence))
            context.Response.StatusCode = StatusCodes.Status304NotModified;
        else
            await AnswerAsync(context, fact.ToEnvelope(engine.Store.Info.History), form);
    }

    private static Problem? Begin(HttpContext context, out BodyForm answer, out WriteHeaders headers)
    {
        headers = default;
        var problem = MediaTypes.TryAccept(context.Request, out answer);
        problem ??= Queries.RefuseUnknown(context.Request);
        problem ??= Problems.Reserved(RecordTarget.Of(context).SyncedKey);
        return problem ?? WriteHeaders.TryRead(context.Request, out headers);
    }

    private async Task WriteAsync(
        HttpContext context, SyncedKey key, ChangeOp op, ReadOnlyMemory<byte> value, WriteHeaders headers,
        BodyForm answer)
    {
        var command = new WriteCommand
        {
            Key = key,
            Op = op,
            Value = value,
            SchemaVersion = headers.SchemaVersion,
            Expected = headers.Expected,
            OnlyIfNoLiveRecord = headers.OnlyIfNoLiveRecord,
            IdempotencyKey = headers.IdempotencyKey,
            ValidTime = headers.ValidTime,
            Producer = headers.Producer,
            Causation = headers.Causation,
            TraceParent = WriteHeaders.TraceParentOf(context.Request),
        };
        if (limits.CheckEnvelope(command) is { } tooLarge)
        {
            await tooLarge.AnswerAsync(context);
            return;
        }
        var feed = await writes.FeedOfAsync(command.Key.Vault, context.RequestAborted);
        switch (await writes.WriteAsync(feed, command))
        {
            case WriteResult.Committed committed:
                await AnswerAsync(context, committed, answer);
                break;
            case WriteResult.Refused refused:
                if (refused.Refusal.Current is { } current) context.Response.Headers.ETag = EntityTags.Of(current.Sequence);
                await Problems.Of(refused.Refusal).AnswerAsync(context);
                break;
            case WriteResult.Unknown unknown:
                await Problems.UnknownOutcome(unknown.Reason).AnswerAsync(context);
                break;
        }
    }

    private static async Task AnswerAsync(HttpContext context, WriteResult.Committed committed, BodyForm form)
    {
        var (receipt, response) = (committed.Receipt, context.Response);
        // A replay answers as the first time did: the key's first fact created it.
        response.StatusCode = receipt.Sequence.Value == 1 ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        response.ContentType = MediaTypes.NameOf(form);
        response.Headers.ETag = EntityTags.Of(receipt.Sequence);
        if (committed.Replayed) response.Headers["Sync-Replayed"] = "true";
        if (form == BodyForm.MessagePack)
        {
            ReceiptBytes.Write(response.BodyWriter, receipt, committed.Replayed);
        }
        else
        {
            await using var json = new Utf8JsonWriter(response.BodyWriter, Scalars.Options);
            ReceiptJson.Write(json, receipt, replayed: false);
        }
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static Task AnswerAsync(HttpContext context, Envelope envelope, BodyForm form) => Answers.WriteAsync(
        context, form, (Envelope: envelope, 0),
        static (json, part) => EnvelopeJson.TryWrite(json, part.Envelope),
        static (bytes, part) => EnvelopeCodec.Default.Encode(part.Envelope, bytes));

    private static Problem? TryAsOf(HttpRequest request, out AsOf asOf)
    {
        asOf = AsOf.Now;
        var problem = Queries.TryTime(request, "as_of", out var time);
        long? sequence = null;
        problem ??= Queries.TryNumber(request, "sequence", 1, long.MaxValue, out sequence);
        if (problem is null && time is not null && sequence is not null)
            problem = CommonProblems.Malformed("Give as_of or sequence, not both.");
        asOf = new AsOf(sequence is { } number ? new Sequence(number) : null, null, time);
        return problem;
    }
}
