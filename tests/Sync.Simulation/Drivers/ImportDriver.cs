using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>An import: it owns its keys, sends many lines in a request, in order, under keys made from their places, one
/// request at a time. What has no final answer is sent again, in front and in order, as the client library does. So every
/// line must end as the fact that its place asks for, whoever died meanwhile, and none may be refused for good.</summary>
internal sealed class ImportDriver
{
    private const int LinesMax = 12;
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(700);
    private readonly World _world;
    private readonly SimRandom _random;
    private readonly List<Write> _waiting = [];
    private readonly Dictionary<SyncedKey, List<Write>> _lines = [];
    private Request? _underWay;
    private bool _isPausing;
    private bool _isVoid;
    private long _count;

    public ImportDriver(World world)
    {
        (_world, _random) = (world, world.RandomOf("import"));
        Keys = [.. Enumerable.Range(0, 3).Select(index => new SyncedKey(Plan.Vaults[0], "a", $"line{index}"))];
        foreach (var key in Keys) _lines.Add(key, []);
    }

    public IReadOnlyList<SyncedKey> Keys { get; }

    public bool IsIdle => _waiting.Count == 0 && _underWay is null;

    /// <summary>More lines of the file.</summary>
    public void Add(SimRandom random)
    {
        if (_isVoid) return;
        var isConditional = random.Chance(50);
        for (var count = random.From(1, 8); count > 0; count--)
        {
            var key = random.Pick(Keys);
            var lines = _lines[key];
            var isLive = lines.Count > 0 && lines[^1].Commands[0].Op == ChangeOp.Put;
            var isDelete = isLive && random.Chance(35);
            var command = new WriteCommand
            {
                Key = key,
                Op = isDelete ? ChangeOp.Delete : ChangeOp.Put,
                Value = isDelete ? SimValue.Nil : SimValue.Of(SimValue.Good, 1_000_000 + ++_count),
                SchemaVersion = new SchemaVersion("1.0"),
                Expected = isConditional ? new Sequence(lines.Count) : null,
                IdempotencyKey = $"{key.Key}.{lines.Count + 1}",
            };
            var line = _world.Writes.Begin([command], isAtomic: false, random);
            lines.Add(line);
            _waiting.Add(line);
        }
        Send();
    }

    /// <summary>A restore took lines back: what their places promise is void, and nothing more is sent.</summary>
    public void Void()
    {
        _isVoid = true;
        _waiting.Clear();
        _underWay = null;
    }

    /// <summary>Each line is one fact, at its place.</summary>
    public void CheckAtRest()
    {
        if (_isVoid) return;
        foreach (var (key, lines) in _lines)
        {
            for (var index = 0; index < lines.Count; index++)
            {
                var fact = _world.Ledger.Now.FactOf(key, new(index + 1));
                if (fact is null || fact.IdempotencyKey != lines[index].Commands[0].IdempotencyKey)
                    throw new Violation(Invariants.Repeated,
                        $"line {index + 1} of {key} is not its fact {index + 1}, but {fact?.IdempotencyKey ?? "nothing"}");
            }
        }
    }

    private void Send()
    {
        if (_underWay is not null || _isPausing || _waiting.Count == 0) return;
        var request = _underWay = new Request(new WriteOrder());
        var size = Math.Min(_waiting.Count, _random.From(1, LinesMax));
        for (var index = 0; index < size; index++)
        {
            if (_waiting[index].Attempts.Count > 0) _world.Coverage.Add("import line repeated");
            request.Lines.Add(_world.Writes.Try(_waiting[index]));
        }
        _waiting.RemoveRange(0, size);
        var feed = _world.Plan.FeedOf(Plan.Vaults[0]);
        var node = _world.Target(feed, _random);
        var at = TimeSpan.Zero;
        for (var from = 0; from < size;)
        {
            // A request streams: its lines reach the writer some at a time.
            var lines = request.Lines.GetRange(from, _random.From(1, size - from));
            from += lines.Count;
            at += _random.Chance(60) ? _random.Between(0.1, 3) : _random.Between(3, 150);
            _world.Schedule.After(at, () => Deliver(request, lines, node, feed));
        }
        Watch(request, 0);
    }

    // Also a request that its sender has given up may arrive, late.
    private void Deliver(Request request, List<Attempt> lines, NodeDriver node, FeedId feed)
    {
        request.IsCut |= node.IsClientDeaf || node.IsDead;
        if (request.IsCut) return;
        var deadline = _world.Schedule.Now + node.Options.WriteTimeout;
        node.Enter(() => node.Submit(feed, lines.ConvertAll(attempt => new SimRequest(
            attempt, attempt.Write.Commands[0] with { Producer = new("sim", attempt.Name) }, deadline,
            completion => Answered(request, node, completion), request.Order))));
    }

    // Starts anew with every line that comes back: only silence ends a request.
    private void Watch(Request request, int heard) => _world.Schedule.After(Silence, () =>
    {
        if (_underWay != request) return;
        if (request.Heard == heard) End(request);
        else Watch(request, request.Heard);
    });

    // Answers come in the order of the lines, each when it is there; a connection that breaks loses the rest.
    private void Answered(Request request, NodeDriver node, WriteCompletion completion)
    {
        var index = request.Lines.IndexOf(((SimRequest)completion.Request).Attempt);
        request.Results[index] = completion.Result;
        if (completion.Result is WriteResult.Committed { Replayed: true }) _world.Coverage.Add("import line replayed");
        if (completion.Result is WriteResult.Refused { Refusal: var refusal } && refusal == WriteOrder.Refusal)
            _world.Coverage.Add("import line held back by order");
        request.IsBroken |= node.IsClientMute || _world.IsStruck(FaultKinds.ClientLost, _random);
        if (request.IsBroken) return;
        _world.Schedule.After(_random.Between(0.1, 3), () =>
        {
            if (_underWay != request || node.IsClientMute) return;
            while (request.Heard < request.Lines.Count && request.Results[request.Heard] is { } result)
                Settle(request.Lines[request.Heard++], result);
            if (request.Heard == request.Lines.Count) End(request);
        });
    }

    private static void Settle(Attempt attempt, WriteResult result)
    {
        if (result is WriteResult.Refused { Refusal: { IsTransient: false } refusal })
            throw new Violation(Invariants.Repeated,
                $"line {attempt.Write.Commands[0].IdempotencyKey} is refused for good: {refusal.Code}, {refusal.Detail}");
        attempt.IsOver = result is WriteResult.Committed;
    }

    private void End(Request request)
    {
        _underWay = null;
        var open = new List<Write>();
        foreach (var attempt in request.Lines)
            if (!attempt.IsOver) open.Add(attempt.Write);
        _waiting.InsertRange(0, open);
        _isPausing = open.Count > 0;
        if (_isPausing) _world.Schedule.After(_random.Between(5, 120), GoOn);
        else Send();
    }

    private void GoOn()
    {
        _isPausing = false;
        if (!_isVoid) Send();
    }

    private sealed class Request(WriteOrder order)
    {
        public WriteOrder Order => order;

        public List<Attempt> Lines { get; } = [];

        public WriteResult?[] Results { get; } = new WriteResult?[LinesMax];

        public int Heard { get; set; }

        /// <summary>What has not been answered will not be heard of.</summary>
        public bool IsBroken { get; set; }

        /// <summary>What has not arrived does not arrive any more.</summary>
        public bool IsCut { get; set; }
    }
}
