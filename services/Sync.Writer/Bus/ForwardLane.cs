using System.Buffers;
using System.Threading.Channels;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Transport;
using Sync.Writer.Engine;

namespace Sync.Writer.Bus;

/// <summary>Forwards the writes of one feed. One loop owns the round in progress: it sends, reads the outcomes, and
/// keeps what was refused for a passing reason until an owner is found or the deadline is over. A write that was sent
/// and not answered is repeated only with an idempotency key; without one its outcome is unknown.</summary>
internal sealed class ForwardLane(
    FeedId feed, WriterEngine engine, WriterOptions options, TimeProvider time, Random random, ILogger logger)
        : IAsyncDisposable
{
    private const int RoundWritesMax = 500;

    /// <summary>An owner answers within its own write time-out; waiting that long for one that died would block the
    /// lane.</summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<ForwardedWrite> _queue = Channel.CreateBounded<ForwardedWrite>(
        new BoundedChannelOptions(options.ForwardsWaitingMax)
        {
            SingleReader = true,
            FullMode = BoundedChannelFullMode.Wait,
        });
    private Task _loop = Task.CompletedTask;
    private ForwardedWrite? _heldBack;

    public void Start() => _loop = Task.Run(RunAsync);

    public bool TryPost(ForwardedWrite write) => _queue.Writer.TryWrite(write);

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (_heldBack is not null || await _queue.Reader.WaitToReadAsync(CancellationToken.None))
            {
                var round = TakeRound();
                try
                {
                    await RoundAsync(round);
                }
                catch (Exception error)
                {
                    // A defect; its writes are answered, and the lane goes on with the next.
                    WriterLog.ForwardFailed(logger, error, feed.Value);
                    foreach (var write in round) write.Complete(new WriteResult.Unknown("Forwarding failed"));
                }
            }
        }
        catch (Exception error)
        {
            WriterLog.ForwardFailed(logger, error, feed.Value);
        }
        // Nobody waits for ever, whatever happened to the loop.
        _queue.Writer.TryComplete();
        while (TryTake(out var left)) left.Complete(new WriteResult.Refused(ShuttingDown));
    }

    private static Refusal ShuttingDown { get; } =
        new(RefusalCode.ShuttingDown, "The writer is stopping. Repeat it elsewhere.");

    // As many single writes as fit one message, or one atomic list.
    private List<ForwardedWrite> TakeRound()
    {
        var round = new List<ForwardedWrite>();
        var (bytes, bytesMax) = (0L, engine.Bus.MaxPayload - (8 << 10));
        while (round.Count < RoundWritesMax && TryTake(out var write))
        {
            if (round.Count > 0 && (write.IsAtomic || bytes + write.Bytes > bytesMax))
            {
                _heldBack = write;
                break;
            }
            if (Overtakes(write)) continue;
            round.Add(write);
            bytes += write.Bytes;
            if (write.IsAtomic) break;
        }
        return round;
    }

    private bool TryTake(out ForwardedWrite write)
    {
        write = _heldBack!;
        if (_heldBack is null) return _queue.Reader.TryRead(out write!);
        _heldBack = null;
        return true;
    }

    private async Task RoundAsync(List<ForwardedWrite> round)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(400), random);
        while (round.Count > 0)
        {
            if (_stop.IsCancellationRequested)
            {
                foreach (var write in round) Settle(write, ShuttingDown);
                return;
            }
            if (engine.Owns(feed)) await WriteHereAsync(round);
            else await SendAsync(round);
            round.RemoveAll(write => write.IsAnswered || GaveUp(write) || Overtakes(write));
            if (round.Count == 0) return;
            WriterLog.ForwardWaiting(
                logger, feed.Value, round.Count, backoff.Attempt + 1,
                round[0].LastRefusal?.Detail ?? "the last attempt was not answered");
            try
            {
                await Task.Delay(backoff.Next(), time, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                foreach (var write in round) Settle(write, ShuttingDown);
                return;
            }
        }
    }

    private bool GaveUp(ForwardedWrite write)
    {
        var isLate = time.GetElapsedTime(0) >= write.Deadline;
        if (!isLate && !(write.MayBeCommitted && !write.IsRepeatable)) return false;
        Settle(write, write.LastRefusal ?? new Refusal(
            RefusalCode.NoOwner, $"No writer owned feed {feed} within {options.OwnerTimeout}. Repeat it later."));
        return true;
    }

    private static bool Overtakes(ForwardedWrite write)
    {
        if (!write.IsOvertaking) return false;
        Settle(write, WriteOrder.Refusal);
        return true;
    }

    private static void Settle(ForwardedWrite write, Refusal refusal) => write.Complete(write.MayBeCommitted
        ? new WriteResult.Unknown("The connection to the feed's owner was lost on the way")
        : new WriteResult.Refused(refusal));

    private async Task SendAsync(List<ForwardedWrite> round)
    {
        var bus = engine.Bus;
        if (!bus.IsConnected)
        {
            foreach (var write in round) write.LastRefusal = NoOwner("the bus is not connected");
            return;
        }
        try
        {
            var request = Encode(round);
            if (request.Length > bus.MaxPayload)
            {
                foreach (var write in round) Settle(write, TooLarge(request.Length, bus.MaxPayload));
                return;
            }
            var reply =
                await bus.RequestAsync(Subjects.Default.OfOwn(feed), request, null, AttemptTimeout, _stop.Token);
            Apply(round, reply);
        }
        catch (SyncException error) when (error.Code is SyncErrorCode.NoResponder)
        {
            foreach (var write in round) write.LastRefusal = NoOwner("no writer owns the feed now");
        }
        catch (Exception error) when (error is SyncException or OperationCanceledException)
        {
            foreach (var write in round) write.MayBeCommitted = true;
        }
    }

    // An atomic batch goes whole or not at all; a round of single writes is bounded below this.
    private static Refusal TooLarge(int bytes, int bytesMax) => new(
        RefusalCode.InvalidBatch,
        $"The feed's owner is another writer, and the batch would take {bytes} bytes on the way; at most {bytesMax} fit. "
        + "Send it in parts, or to the feed's owner.");

    private ReadOnlyMemory<byte> Encode(List<ForwardedWrite> round)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        ForwardedWritesCodec.Encode(
            new ForwardedWrites
            {
                Commands = round.Count == 1 ? round[0].Commands : round.ConvertAll(write => write.Commands[0]),
                Atomic = round[0].IsAtomic,
                Deadline = Timestamp.From(time.GetUtcNow() + AttemptTimeout),
            },
            buffer);
        return buffer.WrittenMemory;
    }

    private static void Apply(List<ForwardedWrite> round, BusReply reply)
    {
        if (reply.ErrorCode == StatusCodes.Status503ServiceUnavailable)
        {
            var overloaded =
                new Refusal(RefusalCode.Overloaded, "The feed's owner takes no more requests now. Repeat it later.");
            foreach (var write in round) write.LastRefusal = overloaded;
            return;
        }
        var decoded = WriteResultCodec.DecodeMany(reply.Payload.Span);
        var count = round.Sum(write => write.Commands.Count);
        if (reply.IsError || !decoded.IsOk || decoded.Value.Count != count)
        {
            foreach (var write in round) write.MayBeCommitted = true;
            return;
        }
        if (round[0].IsAtomic) Take(round[0], decoded.Value);
        else for (var index = 0; index < round.Count; index++) Take(round[index], [decoded.Value[index]]);
    }

    private async Task WriteHereAsync(List<ForwardedWrite> round)
    {
        var order = new WriteOrder();
        if (round[0].IsAtomic)
        {
            var result = await engine.Node.WriteAtomicAsync(round[0].Commands);
            Take(round[0], ForwardedWrite.FromAtomic(result, round[0].Commands.Count));
            return;
        }
        var pending = round.ConvertAll(write => engine.Node.WriteAsync(feed, write.Commands[0], order).AsTask());
        for (var index = 0; index < round.Count; index++) Take(round[index], [await pending[index]]);
    }

    // A refusal that only says "not me" keeps the write waiting.
    private static void Take(ForwardedWrite write, IReadOnlyList<WriteResult> results)
    {
        if (results[0] is WriteResult.Refused { Refusal.Code: RefusalCode.NoOwner or RefusalCode.ShuttingDown } notMe)
            write.LastRefusal = notMe.Refusal with { Code = RefusalCode.NoOwner };
        else if (results[0] is WriteResult.Unknown && write.IsRepeatable)
            write.MayBeCommitted = true;
        else
            write.Conclude(results);
    }

    private Refusal NoOwner(string reason) => new(
        RefusalCode.NoOwner, $"Feed {feed}: {reason}, and none did within {options.OwnerTimeout}. Repeat it later.");
}
