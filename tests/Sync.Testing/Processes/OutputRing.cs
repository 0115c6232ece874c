namespace Sync.Testing.Processes;

/// <summary>
/// The last lines a child printed, and those who wait for a line. When full, the oldest line is dropped.
/// All state is under one lock; waiters are completed outside of their own stack (asynchronous continuations).
/// </summary>
internal sealed class OutputRing(int linesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();
    private readonly List<(Func<string, bool> Match, TaskCompletionSource<string> Found)> _waiters = [];

    internal void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            if (_lines.Count == linesMax)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
            _waiters.RemoveAll(waiter => waiter.Match(line) && waiter.Found.TrySetResult(line));
        }
    }

    /// <summary>The first kept line that matches, or the first to come.</summary>
    internal Task<string> FirstAsync(Func<string, bool> match)
    {
        lock (_gate)
        {
            foreach (string line in _lines)
            {
                if (match(line))
                {
                    return Task.FromResult(line);
                }
            }

            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((match, found));
            return found.Task;
        }
    }

    internal string Text()
    {
        lock (_gate)
        {
            return string.Join('\n', _lines);
        }
    }
}
