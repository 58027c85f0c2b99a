package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"polso/api"
	"polso/fsm"
)

// userRoutes are who signs in with a password.
func (s *site) userRoutes(mux routes) {
	mux.HandleFunc("GET /account/users", func(w http.ResponseWriter, r *http.Request) { s.users(w, r, userForm{}) })
	mux.HandleFunc("POST /account/users", s.addUser)
	mux.HandleFunc("GET /account/users/{name}", func(w http.ResponseWriter, r *http.Request) { s.user(w, r, userPage{}) })
	mux.HandleFunc("POST /account/users/{name}/role", s.setRole)
	mux.HandleFunc("POST /account/users/{name}/password", s.setPassword)
	mux.HandleFunc("GET /account/users/{name}/remove", func(w http.ResponseWriter, r *http.Request) {
		u, err := s.userNamed(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.ask(w, r, "", removeUserQuestion(u.Name), nil)
	})
	mux.HandleFunc("POST /account/users/{name}/remove", s.removeUser)
}

// roleChoices are the roles and what each may do.
func roleChoices() []choice {
	return []choice{
		{string(fsm.Viewer), "sees everything but secrets"},
		{string(fsm.Operator), "changes what runs: the document, servers, who directs"},
		{string(fsm.Admin), "changes who belongs to the cluster, and who may do what"},
	}
}

// userForm is a user that somebody wants to make.
type userForm struct {
	Name, Role string
	NameError  string
	RoleError  string
	Password   newPassword
	Problem    *api.Error
}

// refused puts why the user was not made beside the field that it is about. It returns what stands above the form.
func (f *userForm) refused(problem *api.Error, undone string) *api.Error {
	says := strings.Join(append([]string{sentences(problem)}, problem.Problems...), " ")
	switch {
	case problem.Field == "name", problem.Code == api.CodeExists:
		f.NameError = says
	case problem.Field == "role":
		f.RoleError = says
	case problem.Field == "password":
		f.Password.Wrong = says
	default:
		return problem
	}
	return api.Errorf(problem.Code, "%s", undone)
}

// usersPage is the list, with the form of a new one.
type usersPage struct {
	Users []api.User
	Form  userForm
}

// Roles are what a user can be.
func (usersPage) Roles() []choice { return roleChoices() }

func (s *site) users(w http.ResponseWriter, r *http.Request, f userForm) {
	list, err := s.api.Users(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	f.Password.Field = "password"
	s.render(w, r, statusOf(f.Problem), "users", "", "Users", usersPage{list, f})
}

func (s *site) addUser(w http.ResponseWriter, r *http.Request) {
	f := userForm{Name: strings.TrimSpace(r.PostFormValue("name")), Role: r.PostFormValue("role")}
	const undone = "the user is not added"
	password := r.PostFormValue("password")
	if password != r.PostFormValue("again") {
		f.Problem = f.Password.differing(undone)
		s.users(w, r, f)
		return
	}
	did, err := s.api.AddUser(r.Context(), api.UserRequest{Name: f.Name, Role: fsm.Role(f.Role), Password: password})
	if err != nil {
		f.Problem = f.refused(problemOf(err), undone)
		s.users(w, r, f)
		return
	}
	done(w, r, "/account/users", outcomes(did))
}

// userPage is one user, to be changed.
type userPage struct {
	api.User
	Password newPassword
	Problem  *api.Error
}

// Roles are what the user can be.
func (userPage) Roles() []choice { return roleChoices() }

// Path begins the addresses of what is done with the user.
func (u userPage) Path() string { return pathTo("account", "users", u.Name) }

// userNamed is the user that a request is about, for who may know of users.
func (s *site) userNamed(r *http.Request) (api.User, error) {
	name := r.PathValue("name")
	list, err := s.api.Users(r.Context())
	if err != nil {
		return api.User{}, err
	}
	i := slices.IndexFunc(list, func(u api.User) bool { return u.Name == name })
	if i < 0 {
		return api.User{}, api.Errorf(api.CodeNotFound, "no user is called %q", name).WithHint("the list under Users has every one")
	}
	return list[i], nil
}

func (s *site) user(w http.ResponseWriter, r *http.Request, p userPage) {
	u, err := s.userNamed(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	p.User, p.Password.Field = u, "password"
	s.render(w, r, statusOf(p.Problem), "user", "", "User "+u.Name, p)
}

// setRole gives a user another role.
func (s *site) setRole(w http.ResponseWriter, r *http.Request) {
	did, err := s.api.SetUser(r.Context(), api.UserRequest{Name: r.PathValue("name"), Role: fsm.Role(r.PostFormValue("role"))})
	if err != nil {
		s.user(w, r, userPage{Problem: problemOf(err)})
		return
	}
	done(w, r, "/account/users", outcomes(did))
}

// setPassword gives a user another password.
func (s *site) setPassword(w http.ResponseWriter, r *http.Request) {
	const undone = "the password is not set"
	var p userPage
	password := r.PostFormValue("password")
	if password != r.PostFormValue("again") {
		p.Problem = p.Password.differing(undone)
		s.user(w, r, p)
		return
	}
	did, err := s.api.SetUser(r.Context(), api.UserRequest{Name: r.PathValue("name"), Password: password})
	if err != nil {
		p.Problem = p.Password.refused(err, undone)
		s.user(w, r, p)
		return
	}
	done(w, r, "/account/users", outcomes(did))
}

func removeUserQuestion(name string) question {
	return question{
		Title:  fmt.Sprintf("Remove user %s?", name),
		Says:   []string{"Sessions and access tokens of this user end at once, on every router. The last admin can be removed too: then an admin is made on a router itself, as root, with polso user add."},
		To:     pathTo("account", "users", name, "remove"),
		Button: "Remove " + name, Danger: true, Back: "/account/users",
	}
}

func (s *site) removeUser(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	did, err := s.api.RemoveUser(r.Context(), name)
	if err != nil {
		s.ask(w, r, "", removeUserQuestion(name), err)
		return
	}
	done(w, r, "/account/users", outcomes(did))
}
