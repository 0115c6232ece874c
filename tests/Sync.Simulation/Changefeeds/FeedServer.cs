using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation.Changefeeds;

/// <summary>One connection of a reader: the production core, driven as its shell drives it, and the bytes that are on
/// their way to the client.</summary>
internal sealed class FeedServer
{
    // Steps without room for the next item; then the client is cut off.
    private const int BlockedMax = 12;

    private readonly FeedWorld _world;
    private readonly FeedNode _node;
    private readonly ChangefeedCore _core;
    private readonly FeedRequest _request;
    private (Position? After, FeedSlice? Slice)? _read;
    private Task? _moved;
    private FeedEvent? _blocked;
    private int _blockedFor;

    public FeedServer(FeedWorld world, FeedNode node, FeedRequest request)
    {
        (_world, _node, _request) = (world, node, request);
        var options = world.Plan.Options;
        _core = new ChangefeedCore(
            request, new FeedId(0), options.DropBehind, options.ReachedPositions, world.Faults);
        node.Servers.Add(this);
        node.Tail.Join();
    }

    /// <summary>What was written and not yet taken by the client.</summary>
    public Queue<FeedEvent> Socket { get; } = new();

    /// <summary>Where a reader from the beginning began; null = not known yet.</summary>
    public Position? Began { get; private set; }

    public bool IsOver { get; private set; }

    public void Step()
    {
        if (_blocked is not null || _core.TryTake(out _blocked)) Write();
        else if (_core.IsAtHead && !HasMoved()) Idle();
        else if (_read is not null) Read();
        else if (_node.Tail.TryRead(_core.After, out var slice)) Receive(slice);
        else _read = (_core.After, null);
    }

    /// <summary>The connection is gone; with it what was written and not delivered.</summary>
    public void End()
    {
        if (IsOver) return;
        IsOver = true;
        _node.Servers.Remove(this);
        _node.Tail.Leave();
    }

    private void Write()
    {
        if (Socket.Count >= _world.Plan.SocketItems)
        {
            if (_world.Model.SlowReaderSkips) Socket.Dequeue();
            else if (++_blockedFor <= BlockedMax) return;
            else
            {
                _world.Coverage.Add("changefeed: slow reader cut");
                End();
                return;
            }
        }
        Socket.Enqueue(_blocked!);
        (_blocked, _blockedFor) = (null, 0);
    }

    private bool HasMoved()
    {
        _moved ??= _node.Tail.MovedAsync(_core.After!.Value);
        if (!_moved.IsCompleted) return false;
        _moved = null;
        return true;
    }

    private void Idle()
    {
        if (!_core.HasUntold || !_world.Random.Chance(30)) return;
        _moved = null;
        _core.Idle(_world.Ledger.Shown);
    }

    private void Read()
    {
        var (after, slice) = _read!.Value;
        if (slice is { } answer)
        {
            _read = null;
            Receive(answer);
            if (_core.IsAtHead) _node.Tail.KeepFrom(_core.Head);
        }
        else if (_world.Strikes(FeedFaultKinds.ReadFailed))
        {
            _world.Coverage.Add("changefeed: read failed");
            End();
        }
        else
        {
            _world.Coverage.Add("changefeed: read from the ledger");
            var given = after is { } from && from.Value > long.MaxValue >> 1 ? new(long.MaxValue >> 1) : after;
            _read = (after, given is { } behind ? _world.Page(behind, _request.Filter) : _world.Ledger.Stand());
        }
    }

    private void Receive(FeedSlice slice)
    {
        Began ??= new(Math.Max(0, slice.Floor.Value - 1));
        _core.Receive(slice);
    }
}
