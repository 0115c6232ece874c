using System.Buffers;
using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.MessagePack;
using Sync.Transport;
using Sync.Writer.Engine;

namespace Sync.Writer.Access;

/// <summary>Commits records of tokens: the one way into the reserved vault. At another writer that owns the feed, the caller's own
/// token goes along and is checked there again: what the broker lets through is not enough to make a token.</summary>
internal sealed class TokenWrites(WriterEngine engine, WriterOptions options, TimeProvider time, Random random)
{
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Commits a record, at the owner of its feed. Repeats until an owner answers or the deadline is over; the
    /// idempotency key makes that safe.</summary>
    /// <param name="record">The record.</param>
    /// <param name="expected">The sequence that it follows; none = it is new.</param>
    /// <param name="by">Who does it: becomes the producer of the fact.</param>
    /// <param name="caller">The headers that prove it.</param>
    /// <param name="cancellation">The caller has gone.</param>
    public async ValueTask<WriteResult> CommitAsync(
        TokenRecord record, Sequence expected, AccessIdentity by, IHeaderDictionary caller, CancellationToken cancellation)
    {
        var command = new WriteCommand
        {
            Key = TokenRecord.KeyOf(record.Id),
            Op = ChangeOp.Put,
            Value = TokenRecordCodec.Encode(record),
            SchemaVersion = SchemaVersion.Default,
            Expected = expected,
            IdempotencyKey = $"token-{record.Id}-{expected.Next}",
            Producer = new Producer("token", by.Record?.Id ?? by.Label),
        };
        var feed = await engine.Store.FeedOfAsync(command.Key.Vault, cancellation);
        var (began, backoff) = (time.GetTimestamp(), new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1), random));
        var mayBeCommitted = false;
        while (true)
        {
            var result = engine.Owns(feed)
                ? await engine.Node.WriteAsync(feed, command, null, CancellationToken.None)
                : await ForwardAsync(feed, command, caller, cancellation);
            mayBeCommitted |= result is WriteResult.Unknown;
            if (result is WriteResult.Committed) return result;
            if (result is WriteResult.Refused { Refusal: { IsTransient: false } final })
                return final.ToResult(command, mayBeCommitted);
            if (time.GetElapsedTime(began) >= options.OwnerTimeout)
                return mayBeCommitted ? new WriteResult.Unknown("The owner of the tokens' feed did not answer") : result;
            await Task.Delay(backoff.Next(), time, cancellation);
        }
    }

    private async ValueTask<WriteResult> ForwardAsync(
        FeedId feed, WriteCommand command, IHeaderDictionary caller, CancellationToken cancellation)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        var deadline = Timestamp.From(time.GetUtcNow() + AttemptTimeout);
        ForwardedWritesCodec.Encode(new ForwardedWrites { Commands = [command], Deadline = deadline }, body);
        var headers = BusHeaders.Of(BusHeaders.Authorization, caller.Authorization.ToString());
        if (caller[AccessProblems.PurposeHeader] is [{ } purpose]) headers = headers.With(AccessProblems.PurposeHeader, purpose);
        try
        {
            var reply = await engine.Bus.RequestAsync(
                Subjects.Default.OfOwn(feed), body.WrittenMemory, headers, AttemptTimeout, cancellation);
            // 401, 403: the owner does not know the caller's token yet, which may pass as well.
            if (reply.ErrorCode is >= 400 and < 500 or 503) return Refused(reply.ErrorText ?? "refused");
            if (reply.IsError) return new WriteResult.Unknown(reply.ErrorText ?? "The owner failed");
            var results = WriteResultCodec.DecodeMany(reply.Payload.Span);
            return results is { IsOk: true, Value: [var result] } ? result : new WriteResult.Unknown("The answer cannot be read");
        }
        catch (SyncException error) when (error.Code is SyncErrorCode.NoResponder or SyncErrorCode.BusUnavailable)
        {
            return Refused(error.Message);
        }
        catch (SyncException error) when (error.IsTransient)
        {
            return new WriteResult.Unknown(error.Message);
        }
    }

    private static WriteResult.Refused Refused(string why) =>
        new(new Refusal(RefusalCode.NoOwner, $"The owner of the tokens' feed did not take it: {why}. Repeat it later."));
}
