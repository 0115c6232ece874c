using System.Buffers;
using Sync.Access;
using Sync.Contracts;
using Sync.Http;
using Sync.Http.Access;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Transport;
using Sync.Writer.Access;
using Sync.Writer.Engine;
using Sync.Writer.Http;

namespace Sync.Writer.Bus;

/// <summary>Answers one request from the bus each (docs/PROTOCOL.md, Requests and replies). Holds no state. Answers
/// never exceed what the bus carries.</summary>
internal sealed class BusAnswers(
    WriterEngine engine, IWrites writes, WriteLimits limits, ScopeAnswers scopes, AccessGuard guard,
    ForwardedTokens tokens, TimeProvider time)
{
    public async ValueTask<BusReply> GetAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return NoSuchSubject;
        var key = subject.ToKey();
        var fact = await engine.Store.GetAsync(key, Sync.Ledger.AsOf.Now, cancellation);
        return Reply(fact is null ? Absent(key) : fact.ToEnvelope(engine.Store.Info.History),
            EnvelopeCodec.Default.Encode);
    }

    public async ValueTask<BusReply> GetManyAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return NoSuchSubject;
        if (subject.Vault is null)
            return await scopes.GetManyOfGroupAsync(subject.Group!, request.Payload, cancellation);
        var items = GetManyCodec.Decode(request.Payload.Span);
        if (!items.IsOk) return BusReply.Failed(400, items.Error);
        var answer =
            await engine.Store.GetManyAsync(subject.Vault, items.Value, limits.EnvelopeBytesMax, cancellation);
        return Reply(PageFit.Cut(answer, items.Value, limits.EnvelopeBytesMax), EnvelopeAnswerCodec.Encode);
    }

    public async ValueTask<BusReply> HistoryAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return NoSuchSubject;
        var asked = HistoryCodec.DecodeRequest(request.Payload.Span);
        if (!asked.IsOk) return BusReply.Failed(400, asked.Error);
        var page = await engine.Store.HistoryAsync(
            subject.ToKey(), asked.Value.After, asked.Value.Limit, limits.EnvelopeBytesMax, cancellation);
        return Reply(PageFit.Cut(page, limits.EnvelopeBytesMax), HistoryCodec.Encode);
    }

    public async ValueTask<BusReply> PutAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return NoSuchSubject;
        if (CheckAccess(request, subject) is { } refused) return refused;
        return await WriteAsync(
            request, WriteCommandCodec.Decode(request.Payload.Span, subject.ToKey()), cancellation);
    }

    public async ValueTask<BusReply> AppendAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject)) return NoSuchSubject;
        if (CheckAccess(request, subject) is { } refused) return refused;
        var decoded = WriteCommandCodec.DecodeAppend(request.Payload.Span, subject.Vault!, subject.Collection!);
        return await WriteAsync(request, decoded, cancellation);
    }

    // A message does not say who sent it: writes carry a token.
    private BusReply? CheckAccess(BusRequest request, RequestSubject subject)
    {
        var checkedToken = guard.Check(
            request.Headers?[BusHeaders.Authorization], request.Headers?[AccessProblems.PurposeHeader]);
        var target = AccessTarget.OfVault(subject.Vault!, subject.Collection);
        var problem = checkedToken.State != AccessState.Granted ? AccessProblems.Of(checkedToken.State)
            : checkedToken.Identity!.Covers(AccessAction.Write, target) ? null
            : AccessProblems.Forbidden(AccessAction.Write, target);
        return problem is null ? null : BusReply.Failed(problem.Status, $"{problem.Code}: {problem.Detail}");
    }

    private async ValueTask<BusReply> WriteAsync(
        BusRequest request, ParseResult<WriteCommand> decoded, CancellationToken cancellation)
    {
        if (!decoded.IsOk) return BusReply.Failed(400, decoded.Error);
        if (limits.Check(decoded.Value) is { } problem)
            return BusReply.Failed(problem.Status, $"{problem.Code}: {problem.Detail}");
        var command = CommandTrace.With(decoded.Value, request.TraceParent);
        var feed = await writes.FeedOfAsync(command.Key.Vault, cancellation);
        var result = await writes.WriteAsync(feed, command);
        var payload = Encode(WithoutLargeCurrent(result), WriteResultCodec.Encode);
        return result switch
        {
            WriteResult.Committed => BusReply.Of(payload),
            WriteResult.Refused { Refusal: var refusal } => BusReply.Failed(
                Problems.StatusOf(refusal.Code), $"{RefusalCodes.ToText(refusal.Code)}: {refusal.Detail}", payload),
            _ => BusReply.Failed(503, "unknown-outcome: repeat with the same idempotency key", payload),
        };
    }

    /// <summary>Writes that another writer took in and this one owns. The other one checked them; they are checked
    /// again, since a message does not say who sent it.</summary>
    public async ValueTask<BusReply> OwnAsync(BusRequest request, CancellationToken cancellation)
    {
        if (!Subjects.Default.TryParseRequest(request.Subject, out var subject) || subject.Feed is not { } feed)
            return NoSuchSubject;
        var decoded = ForwardedWritesCodec.Decode(request.Payload.Span);
        if (!decoded.IsOk) return BusReply.Failed(400, decoded.Error);
        var commands = decoded.Value.Commands;
        if (decoded.Value.Deadline is { } deadline && deadline < Timestamp.From(time.GetUtcNow()))
            return Results(
                Refuse(commands.Count, new(RefusalCode.NoOwner, "The forwarded write came after its deadline.")));
        for (var index = 0; index < commands.Count; index++)
        {
            if (CheckForwarded(request, commands[index]) is { } refused) return refused;
            if (await writes.FeedOfAsync(commands[index].Key.Vault, cancellation) != feed)
                return BusReply.Failed(400, $"write {index} is not of feed {feed}");
        }
        if (decoded.Value.Atomic)
            return Results(ForwardedWrite.FromAtomic(
                await engine.Node.WriteAtomicAsync(commands, CancellationToken.None), commands.Count));
        // All are in the feed's queue before the first is awaited: one group commit, in order.
        var pending = new Task<WriteResult>[commands.Count];
        var order = new WriteOrder();
        for (var index = 0; index < commands.Count; index++)
            pending[index] = engine.Node.WriteAsync(feed, commands[index], order, CancellationToken.None).AsTask();
        return Results(await Task.WhenAll(pending));
    }

    private BusReply? CheckForwarded(BusRequest request, WriteCommand command) =>
        ForwardedTokens.Is(command) ? tokens.Check(request, command)
        : limits.Check(command) is { } problem ? BusReply.Failed(problem.Status, problem.Detail) : null;

    public static BusReply NoSuchSubject { get; } =
        BusReply.Failed(400, "the subject is not a request in canonical form");

    private static Envelope Absent(SyncedKey key) =>
        new() { Key = key, Value = WriteLimits.Nil, Sequence = Sequence.None };

    private static WriteResult[] Refuse(int count, Refusal refusal) =>
        Enumerable.Repeat<WriteResult>(new WriteResult.Refused(refusal), count).ToArray();

    private BusReply Results(IReadOnlyList<WriteResult> results)
    {
        var payload = Encode(results, WriteResultCodec.EncodeMany);
        if (payload.Length <= limits.EnvelopeBytesMax) return BusReply.Of(payload);
        // The current records of refusals are a courtesy; a reader can ask for them.
        return BusReply.Of(Encode(results.Select(WithoutCurrent).ToArray(), WriteResultCodec.EncodeMany));
    }

    private WriteResult WithoutLargeCurrent(WriteResult result) =>
        result is WriteResult.Refused { Refusal.Current: { } current }
            && EnvelopeCodec.EncodedSize(current) > limits.EnvelopeBytesMax - 4096
            ? WithoutCurrent(result)
            : result;

    private static WriteResult WithoutCurrent(WriteResult result) =>
        result is WriteResult.Refused { Refusal: { Current: not null } refusal }
            ? new WriteResult.Refused(refusal with { Current = null })
            : result;

    public static BusReply Reply<T>(T content, Action<T, IBufferWriter<byte>> encode) =>
        BusReply.Of(Encode(content, encode));

    private static ReadOnlyMemory<byte> Encode<T>(T content, Action<T, IBufferWriter<byte>> encode)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        encode(content, buffer);
        return buffer.WrittenMemory;
    }
}
