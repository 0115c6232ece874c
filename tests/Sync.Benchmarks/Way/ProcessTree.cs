using System.Globalization;

namespace Sync.Benchmarks.Way;

/// <summary>CPU seconds of a process, of the children it has reaped and of those that live: a database's backends come and
/// go.</summary>
internal static class ProcessTree
{
    // USER_HZ: the unit of /proc, the same on every Linux machine.
    private const double TicksPerSecond = 100;

    public static double CpuSeconds(int root)
    {
        var rows = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? Read(id) : null)
            .OfType<Row>().ToList();
        var ticks = 0L;
        var wanted = new Queue<int>([root]);
        while (wanted.TryDequeue(out var id))
        {
            foreach (var row in rows)
            {
                if (row.Id == id) ticks += row.Ticks;
                if (row.Parent == id) wanted.Enqueue(row.Id);
            }
        }
        return ticks / TicksPerSecond;
    }

    private static Row? Read(int id)
    {
        try
        {
            // "pid (name) state ppid …": the name may hold blanks and brackets, so read behind the last bracket.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            // utime, stime, cutime, cstime are the 14th to 17th field of the line, the 12th to 15th behind the name.
            return new Row(id, Number(fields[1]), fields[11..15].Sum(Number));
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private sealed record Row(int Id, int Parent, long Ticks);
}
