using System.Text;
using Sync.Contracts;
using Sync.Transport;

namespace Sync.Testing.Transport;

/// <summary>Two ends of a bus under test (the same object where there is only one) and what is around them.</summary>
/// <param name="Near">One end.</param>
/// <param name="Far">Another client of the same bus.</param>
/// <param name="PublishWithReplyAsync">Publishes a payload on a subject with a reply subject of the sender's choice, as a
/// hostile requester does.</param>
/// <param name="End">Ends all of it.</param>
public sealed record BusRig(
    IBus Near, IBus Far, Func<string, string, byte[], ValueTask> PublishWithReplyAsync, Func<ValueTask> End) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => End();
}

/// <summary>What a receiver got of one message.</summary>
public sealed record Got(string Subject, string Text, string ReplyTo, BusHeaders? Headers);

/// <summary>A receiver that keeps copies and lets a test wait for them.</summary>
public sealed class BusRecorder(Action<Got>? hook = null) : IBusReceiver
{
    private readonly Lock _gate = new();
    private readonly List<Got> _messages = [];
    private readonly List<Disruption> _disruptions = [];
    private readonly List<(Func<bool> Until, TaskCompletionSource Done)> _waits = [];

    public IReadOnlyList<Got> Messages
    {
        get { lock (_gate) return [.. _messages]; }
    }

    public IReadOnlyList<string> Texts => [.. Messages.Select(message => message.Text)];

    public void Receive(in BusMessage message)
    {
        var got = new Got(
            Encoding.ASCII.GetString(message.Subject), Encoding.UTF8.GetString(message.Payload),
            Encoding.ASCII.GetString(message.ReplyTo), message.Headers);
        Add(() => _messages.Add(got));
        hook?.Invoke(got);
    }

    public void Disrupted(Disruption disruption) => Add(() => _disruptions.Add(disruption));

    public Task CountAsync(int count) => UntilAsync(() => _messages.Count >= count);

    public Task DisruptedAsync(Disruption disruption) => UntilAsync(() => _disruptions.Contains(disruption));

    private Task UntilAsync(Func<bool> until)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (until()) return Task.CompletedTask;
            _waits.Add((until, done));
        }
        return done.Task.WaitAsync(Recorder.Timeout);
    }

    private void Add(Action add)
    {
        lock (_gate)
        {
            add();
            foreach (var (until, done) in _waits)
                if (until()) done.TrySetResult();
        }
    }
}
