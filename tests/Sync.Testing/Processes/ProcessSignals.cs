using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Sync.Testing.Processes;

/// <summary>POSIX signals and the process table of Linux; .NET itself only offers SIGKILL.</summary>
internal static partial class ProcessSignals
{
    internal const int Interrupt = 2;
    internal const int Quit = 3;
    internal const int Kill = 9;
    internal const int Terminate = 15;
    internal const int Continue = 18;
    internal const int Stop = 19;
    private const int NoSuchProcess = 3;

    /// <summary>Sends a signal. False when the process is already gone.</summary>
    internal static bool Send(int processId, int signal)
    {
        if (SendSignal(processId, signal) == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess ? false : throw new Win32Exception(error);
    }

    /// <summary>The processes whose parent is <paramref name="processId"/>, at this moment.</summary>
    internal static IReadOnlyList<int> Children(int processId)
    {
        var children = new List<int>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                && TryReadStat(id, out _, out int parent)
                && parent == processId)
            {
                children.Add(id);
            }
        }

        return children;
    }

    /// <summary>What a process calls itself; empty when it is gone.</summary>
    internal static string Title(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/cmdline").Replace('\0', ' ').Trim();
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>All processes below <paramref name="processId"/>, parents before their children.</summary>
    internal static IReadOnlyList<int> Descendants(int processId)
    {
        var all = new List<int>(Children(processId));
        for (int i = 0; i < all.Count; i++)
        {
            all.AddRange(Children(all[i]));
        }

        return all;
    }

    /// <summary>
    /// False when the process ended, also while it waits to be reaped: a zombie holds neither memory nor ports.
    /// </summary>
    internal static bool IsAlive(int processId) =>
        TryReadStat(processId, out char state, out _) && state is not ('Z' or 'X');

    private static bool TryReadStat(int processId, out char state, out int parent)
    {
        state = ' ';
        parent = 0;
        try
        {
            // "pid (name) state ppid ...": the name may hold blanks and brackets, so read behind the last bracket.
            string stat = File.ReadAllText($"/proc/{processId}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            state = fields[0][0];
            parent = int.Parse(fields[1], CultureInfo.InvariantCulture);
            return true;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
